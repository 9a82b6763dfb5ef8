/** docs/PROTOCOL.md says what the code does: its example, limits, counters, codes and references are held against it. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { zeroCounters } from '../../egress/receive/frameIntake.js';
import { ERRORS } from '../../shared/core/errors.js';
import { LIMITS } from '../../shared/core/limits.js';
import { envelopeMaxBytes, envelopeMaxSymbols } from '../../shared/wire/envelopeObject.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const read = (path: string): string => readFileSync(`${root}${path}`, 'utf8');
const page = read('docs/PROTOCOL.md');
const section = (number: number): string =>
  new RegExp(`^## ${number} [\\s\\S]*?(?=^## \\d|(?![\\s\\S]))`, 'm').exec(page)![0];

describe('docs/PROTOCOL.md', () => {
  it('shows bytes of the golden vectors in its example', () => {
    const { frames, envelopes } = JSON.parse(read('test/vectors/wire.json')) as Record<string, { hex: string }[]>;
    const vectors = [...frames, ...envelopes].map(({ hex }) => hex);
    const code = section(12)
      .split('\n')
      .filter((line) => line.startsWith('    '));
    const frameAt = code.findIndex((line) => line.includes('0d534c0101'));
    expect(frameAt).not.equal(-1);
    // Offset, bytes, words.
    const fields = code.flatMap((line) => /^ {4} *(\d+) {2}([0-9a-f]+)(?: |$)/.exec(line) ?? []);
    expect(fields.length).equal(21 * 3);
    const shown = (from: number, to: number, vector: string) => {
      for (let i = from; i < to; i++) {
        const at = Number(fields[3 * i + 1]);
        expect(vector.slice(2 * at, 2 * at + fields[3 * i + 2].length), fields[3 * i]).equal(fields[3 * i + 2]);
      }
    };
    shown(0, 11, frames.find((frame) => frame.hex.startsWith('0d534c01011107'))!.hex);
    shown(11, 21, frames.find((frame) => frame.hex.startsWith('0d534c02011102'))!.hex);
    const dump = code.flatMap((line) => /^ {4,6}([0-9a-f]{4,36})(?: |$)/.exec(line)?.[1] ?? []).join('');
    expect(vectors).include(dump);
  });

  it('has the limits of the code', () => {
    const rows = [...section(10).matchAll(/^\| [^|]+ \| `(\w+)` \| (\d+) \|$/gm)];
    expect(rows.length).equal(25);
    for (const [, name, value] of rows) expect(LIMITS, name).property(name, Number(value));
    for (let symbolBytes = 512; symbolBytes <= 16_320; symbolBytes += 64) {
      const symbols = Math.min(Math.ceil((4_194_304 + 4) / symbolBytes), 4096);
      expect(envelopeMaxSymbols(symbolBytes)).equal(symbols);
      expect(envelopeMaxBytes(symbolBytes) < LIMITS.envelopeMaxBytes, `${symbolBytes}`).equal(symbolBytes < 1088);
    }
  });

  it('names every counter a frame can end in, and no other', () => {
    const named = [...section(9).matchAll(/^\| \d \|[^|]+\|(.*)\|$/gm)].flatMap(([, cell]) => cell.match(/\w+(?=`)/g)!);
    const others = ['empty', 'oversize', 'ringDrops'];
    const counters = Object.keys(zeroCounters());
    const ends = counters.slice(0, counters.indexOf('noRoom') + 1);
    expect([...new Set(named)].sort()).deep.equal([...others, ...ends].sort());
    expect(counters).include('badEnvelopes');
  });

  it('names error codes that exist', () => {
    const codes = page.match(/`[A-Z]+_[A-Z_]+`/g)!.map((code) => code.slice(1, -1));
    expect(codes.length).greaterThan(10);
    expect(codes.filter((code) => !Object.hasOwn(ERRORS, code))).deep.equal([]);
  });

  it('refers to headings and files that exist', () => {
    const slugs = [...page.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
      heading
        .toLowerCase()
        .replace(/[^\w\s-]/g, '')
        .replace(/\s/g, '-'),
    );
    for (const [, target] of page.matchAll(/\]\(#([^)]+)\)/g)) expect(slugs).include(target);
    for (const [, path] of page.matchAll(/`((?:shared|ingress|egress|proto|test|docs)\/[\w./-]+)`/g))
      expect(existsSync(root + path), path).equal(true);
  });
});

describe('docs/DEPENDENCIES.md', () => {
  it('gives a reason for every dependency, and for no other', () => {
    const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<
      string,
      Record<string, string>
    >;
    const tables = read('docs/DEPENDENCIES.md')
      .split('\n')
      .filter((line) => line.startsWith('| `'));
    const named = tables.flatMap((line) => line.split('|')[1].match(/[^` ,]+/g)!);
    expect(named.sort()).deep.equal([...Object.keys(dependencies), ...Object.keys(devDependencies)].sort());
  });
});
