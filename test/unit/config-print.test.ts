/** Configuration out: what is printed reads back, secrets are left out, and the reference is the page in docs. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import fc from 'fast-check';
import { parse } from 'yaml';
import type { z } from 'zod';
import { LIMITS } from '../../shared/core/limits.js';
import { parseDuration, parseRate, parseSize } from '../../shared/core/units.js';
import {
  blockSymbolsFor,
  blockSymbolsMax,
  MTU_MAX_BYTES,
  MTU_MIN_BYTES,
  symbolBytesForMtu,
} from '../../shared/ops/config/derive.js';
import { parseHighConfig, parseLowConfig, printConfig } from '../../shared/ops/config/load.js';
import { configReference } from '../../shared/ops/config/reference.js';
import { type HighConfigInput, highSchema, type LowConfigInput, lowSchema } from '../../shared/ops/config/schema.js';
import { SETTINGS, sectionOf, writeDuration, writeRate, writeSize } from '../../shared/ops/config/settings.js';

const LOW: LowConfigInput = {
  tenants: {
    a: { share: 'in/a', policy: 'strict.yaml' },
    b: { share: 'in/b', maxObjectSize: 1000, afterSent: 'keep', quota: { bytes: '5GiB' }, retention: '2h' },
  },
  keys: { signing: 'keys/signing.key', link: 'keys/link.key' },
  link: { target: '10.0.0.2:5000', source: '10.0.0.1', rate: '1.5Gbps', mtu: 9000, overhead: 0.05 },
  intake: { holdTime: '1500ms' },
};
const HIGH: HighConfigInput = {
  tenants: [{ name: 'a' }, { name: 'b', storage: '/b', labels: ['unclassified', 'internal'], requiredFilters: [] }],
  storageRoot: 'out',
  keys: { trusted: ['a.pub', 'b.pub'], link: 'keys/link.key' },
  link: { listen: '0.0.0.0:5000', silence: '1m' },
};

describe('configuration: printed', () => {
  it('reads back as the same configuration', () => {
    const low = parseLowConfig(LOW, 'low', '/etc/sluice');
    expect(parseLowConfig(parse(printConfig(low)), 'printed', '/elsewhere')).deep.equal(low);
    const high = parseHighConfig(HIGH, 'high', '/etc/sluice');
    expect(parseHighConfig(parse(printConfig(high)), 'printed', '/elsewhere')).deep.equal(high);
  });

  it('spells out every key that has a value, in human units', () => {
    const printed = parse(printConfig(parseLowConfig(LOW, 'low', '/etc/sluice')));
    expect(printed.link).include({
      target: '10.0.0.2:5000',
      source: '10.0.0.1:0',
      rate: '1500Mbps',
      closingDelay: '200ms',
    });
    expect(printed.link.blockSymbols).equal(707);
    expect(printed.spool).deep.equal({ highWater: '20GiB', minFree: '512MiB', retention: '1d' });
    expect(printed.tenants[1].maxObjectSize).equal('1000B');
  });

  it('FAULTS 66: user, password and query of an address are left out', () => {
    const cases: [url: string, shown: string][] = [
      ['redis://127.0.0.1:6379/0', 'redis://127.0.0.1:6379/0'],
      ['redis://user:hunter2@10.0.0.9:6379/1', 'redis://***@10.0.0.9:6379/1'],
      ['rediss://:hunter2@queue.example', 'rediss://***@queue.example'],
      ['redis://hunter2@queue.example', 'redis://***@queue.example'],
      ['redis://queue.example/?password=hunter2', 'redis://queue.example/?***'],
    ];
    for (const [redisUrl, shown] of cases) {
      const config = parseLowConfig({ ...LOW, queues: { redisUrl } }, 'low', '/x');
      expect(config.queues.redisUrl).equal(redisUrl);
      const printed = printConfig(config);
      expect(printed).not.contain('hunter2');
      expect(parse(printed).queues.redisUrl).equal(shown);
    }
  });

  it('writes quantities that read back as the same number', () => {
    const number = fc.oneof(
      fc.nat(),
      fc.integer({ min: 0, max: 2 ** 45 }),
      fc.nat(5000).map((n) => n * 1024 ** 3),
      fc.nat(5000).map((n) => n * 1e6),
    );
    fc.assert(
      fc.property(number, (n) => {
        expect(parseSize(writeSize(n))).equal(n);
        expect(parseDuration(writeDuration(n))).equal(n);
        expect(parseRate(writeRate(n))).equal(n);
      }),
      { seed: 67 },
    );
  });
});

describe('configuration: reference', () => {
  it('is the page in docs', () => {
    // The page lies beside the folder the tests are built into, wherever that is run from.
    const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');
    const page = readFileSync(join(root, 'docs/CONFIGURATION.md'), 'utf8');
    expect(page, 'run "npm run docs"').equal(configReference());
  });

  it('names every key of both sides with unit, default and meaning', () => {
    const reference = configReference();
    const [low, high] = reference.split('## High side');
    const missing = [
      ...keysOf(lowSchema('/'), '').filter((key) => !low!.includes(`| \`${key}\` |`)),
      ...keysOf(highSchema('/'), '').filter((key) => !high!.includes(`| \`${key}\` |`)),
    ];
    expect(missing).deep.equal([]);
    for (const row of reference.split('\n').filter((line) => line.startsWith('| `'))) {
      expect(row.split(' | ').length, row).equal(4);
      expect(row, row).match(/^\| `[^`]+` \| \S.* \| \S.* \| [A-Z].*\. Allowed: .+\. \|$/);
    }
  });

  it('shows defaults that are the defaults', () => {
    const low = parse(
      printConfig(parseLowConfig({ ...LOW, link: { target: '10.0.0.2:5000' }, intake: {} }, 'low', '/')),
    );
    for (const [section, schema] of Object.entries(lowSchema('/').shape)) {
      for (const [key, part] of Object.entries((schema as { shape?: Record<string, z.ZodType> }).shape ?? {})) {
        const info = SETTINGS.get(part);
        const fallback = info?.fallback;
        if (fallback === undefined || fallback.includes(' ') || fallback === 'none') continue;
        const value = low[section][key];
        const shown = Array.isArray(value) ? `[${value.join(', ')}]` : String(value);
        const same = info!.unit === 'duration' ? parseDuration(shown) === parseDuration(fallback) : shown === fallback;
        expect(same, `${section}.${key}: ${shown} and ${fallback}`).equal(true);
      }
    }
  });

  /** Key paths as the reference writes them, found without its help. */
  function keysOf(schema: z.ZodType, path: string): string[] {
    if (SETTINGS.has(schema)) return [path];
    const { shape, element } = sectionOf(schema) as { shape?: Record<string, z.ZodType>; element?: z.ZodType };
    if (element) return keysOf(element, `${path}[]`);
    return Object.entries(shape!).flatMap(([key, part]) => keysOf(part, path === '' ? key : `${path}.${key}`));
  }
});

describe('configuration: derived', () => {
  it('symbols fit their MTU and the limits, for every MTU that may be configured', () => {
    expect(symbolBytesForMtu(1500)).equal(1408);
    expect(symbolBytesForMtu(MTU_MIN_BYTES)).equal(LIMITS.symbolMinBytes);
    expect(symbolBytesForMtu(MTU_MIN_BYTES - 1)).lessThan(LIMITS.symbolMinBytes);
    for (let mtu = MTU_MIN_BYTES; mtu <= MTU_MAX_BYTES; mtu++) {
      const symbolBytes = symbolBytesForMtu(mtu);
      const unused = mtu - 28 - 64 - symbolBytes;
      const blockBytes = blockSymbolsMax(symbolBytes) * symbolBytes;
      const fits =
        symbolBytes % 64 === 0 &&
        unused >= 0 &&
        unused < 64 &&
        symbolBytes >= LIMITS.symbolMinBytes &&
        symbolBytes <= LIMITS.symbolMaxBytes &&
        blockBytes <= LIMITS.blockMaxBytes &&
        blockSymbolsMax(symbolBytes) <= LIMITS.blockMaxSymbols;
      if (!fits) expect.fail(`MTU ${mtu} gives symbols of ${symbolBytes} bytes`);
    }
  });

  it('a block has what is configured, within count and memory', () => {
    expect(blockSymbolsFor(1408, 100)).equal(100);
    expect(blockSymbolsFor(1408, 1_000_000)).equal(4096);
    expect(blockSymbolsFor(8896, 4096)).equal(707);
  });

  it('the largest block with the largest overhead stays inside the code', () => {
    const overhead = 4;
    expect(LIMITS.blockMaxSymbols * (1 + overhead)).lessThan(LIMITS.codePoints);
  });
});
