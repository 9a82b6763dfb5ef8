/** The bench of the socket layer in miniature, so that it cannot rot. */
import { expect } from 'chai';
import { benchSocket } from '../../bench/socket.js';
import { codeOf } from '../../shared/core/errors.js';

describe('socket bench', () => {
  it('measures both transports and says what was in use', async () => {
    const { batched, dgram, ...what } = await benchSocket({ mtu: 1_500, bytes: 3_000_000 });
    expect(what).to.include({ frameBytes: 1_472, bytes: 2_038 * 1_472 });
    expect(what.ratio).to.be.greaterThan(0);
    for (const speed of [batched, dgram]) {
      expect(speed).to.include({ frames: 2_038, lost: 0 });
      expect(speed.MBps).to.be.greaterThan(0);
      expect(speed.cpuSecondsPerGB).to.be.greaterThan(0);
    }
    expect(dgram.transport).to.equal('dgram');
    expect(batched.transport).to.equal(process.platform === 'linux' ? 'batched' : 'dgram');
  });

  it('refuses an MTU without room', async () => {
    expect(await benchSocket({ mtu: 60, bytes: 1 }).then(() => 'none', codeOf)).to.equal('USAGE');
  });
});
