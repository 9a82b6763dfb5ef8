/** The coded object an envelope travels as: length, envelope, zeros. */
import { expect } from 'chai';
import { Sealer } from '../../ingress/seal/sealer.js';
import { LIMITS } from '../../shared/core/limits.js';
import { Prng } from '../../shared/core/prng.js';
import {
  envelopeMaxBytes,
  envelopeMaxSymbols,
  envelopeObjectBytes,
  envelopeOfObject,
  envelopeSymbols,
  heartbeatMaxBytes,
} from '../../shared/wire/envelopeObject.js';
import { plausibleBlockSymbols, symbolBytesAllowed } from '../../shared/wire/frame.js';
import { HEARTBEAT_TYPE, type Heartbeat } from '../../shared/wire/statements.js';
import { HEARTBEAT_SAMPLE, heartbeatOf, SEED, signingKey } from '../support/wire-samples.js';

describe('wire envelope object', () => {
  it('carries an envelope of any length and gives it back', () => {
    const random = new Prng(1);
    for (const symbolBytes of [512, 1408]) {
      for (const length of [1, 2, symbolBytes - 5, symbolBytes - 4, symbolBytes - 3, 2 * symbolBytes - 4, 5000]) {
        const envelope = random.fill(new Uint8Array(length));
        const block = envelopeObjectBytes(envelope, symbolBytes);
        expect(block.length).equal(envelopeSymbols(length, symbolBytes) * symbolBytes);
        expect(block.length - length - 4).within(0, symbolBytes - 1);
        expect([...block.subarray(0, 4)]).deep.equal([length & 255, length >> 8, 0, 0]);
        expect(block.subarray(4 + length).every((byte) => byte === 0)).equal(true);
        expect(envelopeOfObject(block)).deep.equal(envelope);
      }
    }
  });

  it('FAULTS 12: a length that is nothing, too large or 2^31 and more is no envelope', () => {
    for (const length of [0, 509, 512, 1024, 0x7fffffff, 0x80000000, 0xffffffff]) {
      const block = new Uint8Array(512);
      new DataView(block.buffer).setUint32(0, length, true);
      expect(envelopeOfObject(block), `${length}`).equal(undefined);
    }
    for (const length of [0, 1, 3]) expect(envelopeOfObject(new Uint8Array(length))).equal(undefined);
    expect(envelopeOfObject(Uint8Array.of(1, 0, 0, 0)), 'nothing behind the length').equal(undefined);
  });

  it('reads at the place it is given, not at the beginning of the buffer', () => {
    const around = new Uint8Array(1024).fill(0xff);
    around.set(envelopeObjectBytes(Uint8Array.of(1, 2, 3), 512), 300);
    expect(envelopeOfObject(around.subarray(300, 812))).deep.equal(Uint8Array.of(1, 2, 3));
  });

  it('FAULTS 13: the largest envelope is one block within the limits, whatever the symbol size', () => {
    for (let symbolBytes = 512; symbolBytes <= 16_320; symbolBytes += 64) {
      expect(symbolBytesAllowed(symbolBytes)).equal(true);
      const k = envelopeMaxSymbols(symbolBytes);
      const header = { symbols: k, blockSymbols: k, sbn: 0, esi: 0 };
      expect(plausibleBlockSymbols(header as never, symbolBytes), `${symbolBytes}`).equal(k);
      const most = envelopeMaxBytes(symbolBytes);
      expect(most).most(LIMITS.envelopeMaxBytes);
      expect(envelopeSymbols(most, symbolBytes)).most(k);
      expect(most === LIMITS.envelopeMaxBytes || envelopeSymbols(most + 1, symbolBytes) > k).equal(true);
    }
  });

  it('a heartbeat with all its void ranges fits the smallest symbol for the first 2^42 objects', () => {
    const last = 2 ** 42;
    const heartbeat: Heartbeat = {
      ...heartbeatOf(HEARTBEAT_SAMPLE),
      sequenceDone: last,
      sequenceLast: last,
      frames: 2 ** 52,
      voids: Array.from({ length: LIMITS.heartbeatMaxVoids }, (_, i) => ({
        first: last - 1000 + 10 * i,
        last: last - 995 + 10 * i,
      })),
    };
    heartbeat.parameters = { ...heartbeat.parameters, rateBps: 100e9, overheadPpm: 4e6, heartbeatMs: 3.6e6 };
    const sealer = new Sealer(signingKey(SEED), {});
    const { bytes } = sealer.heartbeat(heartbeat);
    expect(bytes.length).most(heartbeatMaxBytes(512));
    expect(Buffer.from(bytes).includes(HEARTBEAT_TYPE)).equal(true);
  });
});
