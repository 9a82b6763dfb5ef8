/** Whole sides on each transport: files are released on either, and which one is in use is said. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { type Run, Workplace } from '../support/cli.js';
import { drop, inState, ready, type Sides, setUpSidesQuickly, writeHigh, writeLow } from '../support/sides.js';
import { randomBytes, readTree } from '../support/trees.js';

describe('transport of whole sides', function () {
  this.timeout(120_000);
  let place: Workplace;
  let sides: Sides;
  beforeEach(() => {
    place = new Workplace();
    sides = setUpSidesQuickly(place);
  });
  afterEach(() => place.remove());

  /** Runs both sides until a file is released, and answers what they said at their start, in their status and their log. */
  async function release(transport: 'auto' | 'dgram') {
    const start = (side: 'low' | 'high', config: string, state: string): Run =>
      place.sluice(side, '--config', config, '--state', state, '--json');
    writeHigh(sides, '127.0.0.1:0', { transport });
    const high = start('high', sides.high, sides.highState);
    const highReady = await ready(high);
    writeLow(sides, `127.0.0.1:${highReady.port}`, { transport, rate: '100Mbps' });
    const low = start('low', sides.low, sides.lowState);
    const lowReady = await ready(low);
    const bytes = randomBytes(4, 1_000_000);
    drop(sides, 'file', bytes);
    await high.until(() => inState(high, 'released').length === 1, 'release');
    expect([...readTree(sides.storage).keys()]).to.deep.equal(['file']);
    const status = [];
    for (const state of [sides.lowState, sides.highState]) {
      const { stdout } = await place.sluice('status', '--state', state).ended;
      status.push(stdout);
    }
    for (const run of [low, high]) expect((await run.stop()).code).to.equal(0);
    const said = [join(sides.lowState, 'low.log'), join(sides.highState, 'high.log')].map((file) =>
      readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => line.includes('TRANSPORT_FALLBACK')),
    );
    return { transports: [lowReady.transport, highReady.transport], status, said };
  }

  it('batched where the system lets it: said at the start and in the status, without a word about falling back', async () => {
    const { transports, status, said } = await release('auto');
    const expected = process.platform === 'linux' ? 'batched' : 'dgram';
    expect(transports).to.deep.equal([expected, expected]);
    for (const text of status) expect(text).to.include(`(${expected})`);
    if (expected === 'batched') expect(said).to.deep.equal([[], []]);
  });

  it('dgram where it is asked for, and not a word about that either', async () => {
    const { transports, status, said } = await release('dgram');
    expect(transports).to.deep.equal(['dgram', 'dgram']);
    for (const text of status) expect(text).to.include('(dgram)');
    expect(said).to.deep.equal([[], []]);
  });
});
