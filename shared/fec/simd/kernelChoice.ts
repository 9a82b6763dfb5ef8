/**
 * Which kernel the erasure code runs on here: WebAssembly with relaxed SIMD or with plain SIMD where this Node has it,
 * else plain JavaScript. All make the same bytes. Of shared/fec, this file alone reads a file and the environment.
 *
 * Relaxed SIMD leaves to the machine what a byte shuffle does with an index beyond 15, which costs a check otherwise; the
 * kernel has no such index. Node 20 has it behind a flag, later ones as a matter of course.
 */
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { sameBytes } from '../../core/bytes.js';
import { wordsOf } from '../../core/errors.js';
import { Prng } from '../../core/prng.js';
import type { Kernel, KernelKind } from '../kernel.js';
import { KERNEL_NAMES, KERNEL_VARIABLE, type KernelInUse, type KernelName } from '../kernelName.js';
import { SCALAR } from '../scalarKernel.js';
import { simdKernel } from './simdKernel.js';

export interface KernelChoice {
  readonly kind: KernelKind;
  /** Why it is not the one that would be expected here. */
  readonly because?: string;
}

let chosen: KernelChoice | undefined;

/** The kernel of this thread; looked for once. */
export function kernelChoice(): KernelChoice {
  chosen ??= chooseKernel(process.env[KERNEL_VARIABLE]);
  return chosen;
}

/** The same in words. Every process of a side finds the same one: the environment is passed on to all of them. */
export function kernelInUse(): KernelInUse {
  const { kind, because } = kernelChoice();
  return { kernel: kind.name, ...(because ? { because } : {}) };
}

/** The one that is asked for, if any is; otherwise, and where that one does not work, the fastest that does. */
export function chooseKernel(
  asked: string | undefined,
  load: (name: KernelName) => KernelKind = loadKernel,
): KernelChoice {
  const isKnown = KERNEL_NAMES.includes(asked as KernelName);
  const reasons = asked && !isKnown ? [`${KERNEL_VARIABLE} is none of ${KERNEL_NAMES.join(', ')}`] : [];
  const because = () => (reasons.length > 0 ? { because: reasons.join('; ') } : {});
  if (asked === 'scalar') return { kind: SCALAR, because: `${KERNEL_VARIABLE} asks for it` };
  for (const name of isKnown ? [asked as KernelName, ...KERNEL_NAMES] : KERNEL_NAMES) {
    if (name === 'scalar') break;
    try {
      const kind = load(name);
      const fault = firstFault(kind);
      // An engine without relaxed SIMD is nothing to be told of, unless somebody asked for it.
      if (fault === undefined) return { kind, ...because() };
      reasons.push(`${name} computes ${fault} wrongly here`);
    } catch (error) {
      if (name !== 'relaxed-simd' || name === asked) reasons.push(`${name} does not load: ${wordsOf(error)}`);
    }
  }
  return { kind: SCALAR, ...because() };
}

/** A kernel by name. Throws where this engine cannot run it, or `npm run build` has not compiled it. */
export function loadKernel(name: KernelName): KernelKind {
  if (name === 'scalar') return SCALAR;
  if (name === 'simd') return simdKernel(name, wasm('kernel.wasm'));
  if (process.versions.node.startsWith('20.')) setFlagsFromString('--experimental-wasm-relaxed-simd');
  return simdKernel(name, wasm('kernel-relaxed.wasm'));
}

const wasm = (file: string): Uint8Array => readFileSync(new URL(file, import.meta.url));

const TRIAL_BYTES = 192;
const TRIALS: Record<string, (kernel: Kernel) => void> = {
  sums: (kernel) => kernel.xor(0, TRIAL_BYTES, TRIAL_BYTES),
  multiples: (kernel) => kernel.multiply(0, TRIAL_BYTES, TRIAL_BYTES, 0xbeef),
  products: (kernel) => kernel.multiplyAdd(TRIAL_BYTES, 2 * TRIAL_BYTES, TRIAL_BYTES, 0xacca),
  evaluation: (kernel) => kernel.evaluate(0, TRIAL_BYTES, TRIAL_BYTES, 0x1234),
  interpolation: (kernel) => kernel.interpolate(TRIAL_BYTES, 2 * TRIAL_BYTES, TRIAL_BYTES, 0xfedc),
  'double evaluation': (kernel) => kernel.evaluate4(0, TRIAL_BYTES, 0x8001, 0x7ffe, 0x00ff),
  'double interpolation': (kernel) => kernel.interpolate4(0, TRIAL_BYTES, 0x0f0f, 0xf0f0, 0xff00),
};

/** The first operation in which a kernel differs from the scalar one on a few symbols, if one does. */
function firstFault(kind: KernelKind): string | undefined {
  const content = new Prng(1).fill(new Uint8Array(4 * TRIAL_BYTES));
  const kernels = [kind.create(content.length), SCALAR.create(content.length)];
  for (const [name, run] of Object.entries(TRIALS)) {
    const [ours, reference] = kernels.map((kernel) => {
      kernel.memory.set(content);
      run(kernel);
      return kernel.memory.subarray(0, content.length);
    }) as [Uint8Array, Uint8Array];
    if (!sameBytes(ours, reference)) return name;
  }
  return undefined;
}
