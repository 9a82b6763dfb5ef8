/**
 * FAULTS 62, the proof that the link is one-way: both sides run in network namespaces of their own with nothing but one
 * link between them, transfers work, and not one packet leaves the high end. The kernel counts.
 */
import { join } from 'node:path';
import { expect } from 'chai';
import { ROOT, type Run, Workplace } from '../support/cli.js';
import { OneWayLink } from '../support/oneWayLink.js';
import { drop, inState, ready, setUpSides, writeHigh, writeLow } from '../support/sides.js';
import { randomBytes, readTree, type TreeFile } from '../support/trees.js';

const PORT = 5_000;

describe('FAULTS 62: one way between two network namespaces', function () {
  this.timeout(120_000);
  const link = new OneWayLink();
  let place: Workplace;

  before(function () {
    const whyNot = link.make();
    if (whyNot === undefined) return;
    console.log(`    skipped: the one-way proof needs two network namespaces, and ${whyNot}`);
    this.skip();
  });
  beforeEach(() => {
    place = new Workplace();
  });
  afterEach(() => place.remove());
  after(() => link.remove());

  /** `sluice low|high` in its namespace. */
  const start = (side: 'low' | 'high', config: string, state: string): Run => {
    const cli = [join(ROOT, 'bin', 'sluice.js'), side, '--config', config, '--state', state, '--json'];
    return place.run(...link.within(link[side], process.execPath, ...cli));
  };
  const hex = (address: string) =>
    address
      .split('.')
      .reverse()
      .map((byte) => Number(byte).toString(16).padStart(2, '0').toUpperCase())
      .join('');

  for (const transport of ['batched', 'dgram'] as const) {
    it(`${transport}: files are released, and the high end sends no packet at all, from its start to its end`, async () => {
      const before = link.lowSentBytes();
      const sides = await setUpSides(place);
      writeHigh(sides, `${link.highAddress}:${PORT}`, { transport });
      writeLow(sides, `${link.highAddress}:${PORT}`, { source: link.lowAddress, rate: '100Mbps', transport });
      // The high side first: the kernel would answer datagrams to a port nobody listens on, diode or not.
      const high = start('high', sides.high, sides.highState);
      expect((await ready(high)).transport).to.equal(transport);
      const low = start('low', sides.low, sides.lowState);
      const { sourcePort, transport: inUse } = await ready(low);
      expect(inUse).to.equal(transport);

      const names = ['large', 'small', 'folder/empty'];
      drop(sides, 'large', randomBytes(1, 3_000_000));
      drop(sides, 'small', 'some text');
      drop(sides, 'folder/empty', '');
      await high.until(() => inState(high, 'released').length === names.length, 'release of all files');
      expect(link.back()).to.deep.equal({ highSent: 0, lowReceived: 0 });
      expect(link.lowSentBytes() - before).to.be.above(3_000_000);

      const port = (number: unknown) => Number(number).toString(16).padStart(4, '0').toUpperCase();
      expect(link.sockets(link.high), 'one socket, bound, unconnected').to.deep.equal([
        `udp ${hex(link.highAddress)}:${port(PORT)} 00000000:0000`,
      ]);
      expect(link.sockets(link.low)).to.deep.equal([`udp ${hex(link.lowAddress)}:${port(sourcePort)} 00000000:0000`]);

      for (const run of [low, high]) {
        const { code, stderr } = await run.stop();
        expect(code, stderr).to.equal(0);
      }
      await place.expectNothingRuns();
      expect(link.back()).to.deep.equal({ highSent: 0, lowReceived: 0 });

      const accepted = readTree(sides.accepted);
      const arrived = readTree(sides.storage);
      expect([...arrived.keys()].sort()).to.deep.equal([...names].sort());
      for (const [path, file] of arrived)
        expect((accepted.get(path) as TreeFile).sha256).to.equal((file as TreeFile).sha256);
    });
  }

  it('the counters would have shown it: one datagram sent back is one packet on both ends', async () => {
    const before = link.back();
    const code = `const socket = require('node:dgram').createSocket('udp4');
      socket.send('back', 9, '${link.lowAddress}', () => socket.close());`;
    const { code: exit, stderr } = await place.run(...link.within(link.high, process.execPath, '-e', code)).ended;
    expect(exit, stderr).to.equal(0);
    const after = link.back();
    expect(after.highSent - before.highSent).to.equal(1);
    expect(after.lowReceived - before.lowReceived).to.equal(1);
  });
});
