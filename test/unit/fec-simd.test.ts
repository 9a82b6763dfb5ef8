/** The SIMD kernel through encoder and decoder: the same bytes as the scalar one for every size of block and symbol. */
import { expect } from 'chai';
import fc from 'fast-check';
import { sameBytes } from '../../shared/core/bytes.js';
import { Prng } from '../../shared/core/prng.js';
import { BlockDecoder, type DecodeOptions, type RepairSymbol } from '../../shared/fec/decode.js';
import { BlockEncoder } from '../../shared/fec/encode.js';
import type { KernelKind } from '../../shared/fec/kernel.js';
import { KERNEL_NAMES, KERNEL_VARIABLE, type KernelName } from '../../shared/fec/kernelName.js';
import { SCALAR } from '../../shared/fec/scalarKernel.js';
import { chooseKernel, loadKernel } from '../../shared/fec/simd/kernelChoice.js';
import { pick, randomBlock } from '../support/fec-blocks.js';
import { KINDS, RELAXED, SIMD } from '../support/fec-kernels.js';

function encode(kind: KernelKind, source: Uint8Array, k: number, T: number, first: number, count: number): Uint8Array {
  const encoder = new BlockEncoder(k, T, kind);
  const out = new Uint8Array(count * T);
  encoder.load(source, k);
  encoder.repair(first, count, out);
  return out;
}

/** Encodes with both kernels, loses symbols, rebuilds with each kernel and on each path. */
function goesRound(seed: number, k: number, T: number, first: number, count: number, lost: number): void {
  const what = `k ${k}, T ${T}, repair ${first}+${count}, ${lost} lost`;
  const random = new Prng(seed);
  const source = randomBlock(seed, k, T);
  const repair = encode(SCALAR, source, k, T, first, count);
  for (const kind of [SIMD, RELAXED]) {
    const made = encode(kind, source, k, T, first, count);
    expect(sameBytes(made, repair), `${kind.name} encoding, ${what}`).to.equal(true);
  }
  const symbols: RepairSymbol[] = pick(random, lost, count).map((i) => ({
    index: first + i,
    data: repair.subarray(i * T, (i + 1) * T),
  }));
  const damaged = source.slice();
  const have = new Uint8Array(k).fill(1);
  for (const j of pick(random, lost, k)) {
    have[j] = 0;
    damaged.fill(0x5a, j * T, (j + 1) * T);
  }
  const paths: DecodeOptions[] = lost > 64 ? [{}] : [{}, { path: 'direct' }, { path: 'fft' }];
  for (const kind of KINDS) {
    for (const options of paths) {
      const block = damaged.slice();
      expect(new BlockDecoder(k, T, kind).decode(block, k, have, symbols, options)).to.equal(true);
      expect(sameBytes(block, source), `${kind.name} decoding ${options.path ?? ''}, ${what}`).to.equal(true);
    }
  }
}

describe('fec simd kernel', () => {
  const CASES: [k: number, T: number, first: number, count: number, lost: number][] = [
    [1, 64, 0, 3, 1],
    [1, 1408, 65_530, 1, 1],
    [2, 64, 0, 2, 2],
    [3, 192, 5, 9, 3],
    [5, 64, 0, 5, 5],
    [16, 128, 0, 16, 16],
    [31, 64, 1, 33, 31],
    [100, 1408, 0, 10, 10],
    [255, 64, 0, 64, 40],
    [257, 64, 300, 64, 40],
    [1000, 192, 0, 100, 100],
    [1024, 64, 0, 1024, 1024],
    [4095, 64, 0, 410, 205],
    [4096, 64, 0, 410, 410],
    [4096, 1408, 0, 5, 4],
    [4097, 64, 0, 90, 80],
    [12, 16_320, 0, 4, 3],
    [100, 2112, 0, 30, 30],
    [60, 8896, 3, 70, 60],
    [32_767, 64, 32_000, 300, 20],
    [32_768, 64, 0, 257, 256],
  ];
  for (const [k, T, first, count, lost] of CASES) {
    it(`equals the scalar one: k ${k}, T ${T}, repair ${first}+${count}, ${lost} lost`, () => {
      goesRound(7 * k + lost, k, T, first, count, lost);
    });
  }

  it('equals the scalar one for any block', () => {
    const shape = fc
      .record({
        seed: fc.integer({ min: 0, max: 2 ** 31 }),
        k: fc.integer({ min: 1, max: 300 }),
        groups: fc.integer({ min: 1, max: 5 }),
        first: fc.integer({ min: 0, max: 5000 }),
        count: fc.integer({ min: 1, max: 200 }),
      })
      .chain((block) =>
        fc.record({ block: fc.constant(block), lost: fc.integer({ min: 0, max: Math.min(block.k, block.count) }) }),
      );
    fc.assert(
      fc.property(shape, ({ block: { seed, k, groups, first, count }, lost }) =>
        goesRound(seed, k, 64 * groups, first, count, lost),
      ),
      { seed: 4, numRuns: 60 },
    );
  });
});

describe('fec choice of a kernel', () => {
  /** An engine that has only some of them. */
  const having =
    (...names: KernelName[]) =>
    (name: KernelName): KernelKind => {
      if (!names.includes(name)) throw new SyntaxError(`no ${name} in this engine`);
      return loadKernel(name);
    };

  it('takes the fastest, unless the environment pins one', () => {
    expect(chooseKernel(undefined)).to.have.property('kind').that.has.property('name', 'relaxed-simd');
    expect(chooseKernel('')).not.to.have.property('because');
    expect(chooseKernel('simd').kind.name).to.equal('simd');
    expect(chooseKernel('simd')).not.to.have.property('because');
    expect(chooseKernel('relaxed-simd').kind.name).to.equal('relaxed-simd');
    expect(chooseKernel('scalar')).to.deep.equal({ kind: SCALAR, because: `${KERNEL_VARIABLE} asks for it` });
  });

  it('takes the next one where one does not run, and says so unless that is an ordinary older engine', () => {
    expect(chooseKernel(undefined, having('simd')).kind.name).to.equal('simd');
    expect(chooseKernel(undefined, having('simd'))).not.to.have.property('because');
    const pinned = chooseKernel('relaxed-simd', having('simd'));
    expect(pinned.kind.name).to.equal('simd');
    expect(pinned.because).to.include('no relaxed-simd in this engine');
    for (const asked of [undefined, '', 'simd']) {
      const choice = chooseKernel(asked, having());
      expect(choice.kind).to.equal(SCALAR);
      expect(choice.because).to.include('no simd in this engine');
    }
  });

  it('takes none that computes wrongly', () => {
    for (const operation of [
      'xor',
      'multiply',
      'multiplyAdd',
      'evaluate',
      'interpolate',
      'evaluate4',
      'interpolate4',
    ] as const) {
      const broken: KernelKind = {
        ...SIMD,
        create: (bytes) => {
          const kernel = SIMD.create(bytes);
          kernel[operation] = () => {};
          return kernel;
        },
      };
      const choice = chooseKernel('simd', () => broken);
      expect(choice.kind, operation).to.equal(SCALAR);
      expect(choice.because, operation).to.include('wrongly');
    }
  });

  it('takes no notice of a name it does not know, but says so', () => {
    const choice = chooseKernel('sse');
    expect(choice.kind.name).to.equal(KERNEL_NAMES[0]);
    expect(choice.because).to.include(KERNEL_VARIABLE);
  });
});
