/** Golden vectors: what leaves on the wire for given source symbols, byte for byte, whatever the code becomes inside. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { toHex } from '../../shared/core/bytes.js';
import { BlockEncoder } from '../../shared/fec/encode.js';
import { KINDS } from '../support/fec-kernels.js';
import { slowRepair } from '../support/fec-reference.js';

interface Vector {
  readonly k: number;
  readonly symbolBytes: number;
  readonly seed: number;
  readonly symbols: readonly { repair: number; hex: string }[];
  readonly digests: readonly { first: number; count: number; sha256: string }[];
}

const file = new URL('../../../test/vectors/fec.json', import.meta.url);
const { vectors } = JSON.parse(readFileSync(file, 'utf8')) as { vectors: Vector[] };

function sourceOf({ k, symbolBytes, seed }: Vector): Uint8Array {
  let state = seed;
  return new Uint8Array(k * symbolBytes).map(() => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 24;
  });
}

describe('fec golden vectors', () => {
  for (const vector of vectors) {
    const { k, symbolBytes, symbols, digests } = vector;
    it(`k ${k}, T ${symbolBytes}`, () => {
      const source = sourceOf(vector);
      for (const kind of KINDS) {
        const encoder = new BlockEncoder(k, symbolBytes, kind);
        encoder.load(source, k);
        for (const { repair, hex } of symbols) {
          const made = new Uint8Array(symbolBytes);
          encoder.repair(repair, 1, made);
          expect(toHex(made), `${kind.name}, repair ${repair}`).to.equal(hex);
        }
        for (const { first, count, sha256 } of digests) {
          const made = new Uint8Array(count * symbolBytes);
          encoder.repair(first, count, made);
          expect(createHash('sha256').update(made).digest('hex'), `${kind.name}, ${first}+${count}`).to.equal(sha256);
        }
      }
      for (const { repair, hex } of symbols) {
        expect(toHex(slowRepair(source, k, symbolBytes, repair)), `closed form ${repair}`).to.equal(hex);
      }
    });
  }
});
