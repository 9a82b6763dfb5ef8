/**
 * Which kernel the erasure code runs on here: the one in WebAssembly where this Node has SIMD, else plain JavaScript.
 * Both make the same bytes. This file alone of shared/fec that runs reads a file and the environment.
 */
import { readFileSync } from 'node:fs';
import { sameBytes } from '../../core/bytes.js';
import { wordsOf } from '../../core/errors.js';
import { Prng } from '../../core/prng.js';
import type { KernelKind } from '../kernel.js';
import { SCALAR } from '../scalarKernel.js';
import { simdKernel } from './simdKernel.js';

/** Environment variable that pins one: `scalar` or `simd`. */
export const KERNEL_VARIABLE = 'SLUICE_FEC_KERNEL';

export interface KernelChoice {
  readonly kind: KernelKind;
  /** Why it is not the fast one, or not what was asked for. */
  readonly because?: string;
}

let chosen: KernelChoice | undefined;

/** The kernel of this thread; looked for once. */
export function kernelChoice(): KernelChoice {
  chosen ??= chooseKernel(process.env[KERNEL_VARIABLE]);
  return chosen;
}

/** By what was asked for, if anything was. `load` is there for tests. */
export function chooseKernel(asked: string | undefined, load: () => KernelKind = loadSimd): KernelChoice {
  if (asked === 'scalar') return { kind: SCALAR, because: `${KERNEL_VARIABLE} asks for it` };
  const unknown = asked !== undefined && asked !== '' && asked !== 'simd';
  try {
    const kind = load();
    const fault = firstFault(kind);
    if (fault !== undefined) return { kind: SCALAR, because: `the SIMD kernel computes ${fault} wrongly here` };
    return unknown ? { kind, because: `${KERNEL_VARIABLE} is neither scalar nor simd` } : { kind };
  } catch (error) {
    return { kind: SCALAR, because: `the SIMD kernel does not load: ${wordsOf(error)}` };
  }
}

/** The kernel that `npm run build` compiled. Throws where there is none, or no WebAssembly with SIMD. */
export function loadSimd(): KernelKind {
  return simdKernel('simd', readFileSync(new URL('kernel.wasm', import.meta.url)));
}

/** The first operation in which a kernel differs from the scalar one on a few symbols, if one does. */
function firstFault(kind: KernelKind): string | undefined {
  const bytes = 192;
  const content = new Prng(1).fill(new Uint8Array(4 * bytes));
  const [ours, reference] = [kind.create(content.length), SCALAR.create(content.length)];
  const operations = {
    addition: (kernel: typeof ours) => kernel.xor(0, bytes, bytes),
    products: (kernel: typeof ours) => kernel.multiplyAdd(bytes, 2 * bytes, bytes, 0xacca),
    evaluation: (kernel: typeof ours) => kernel.evaluate(0, bytes, bytes, 0x1234),
    interpolation: (kernel: typeof ours) => kernel.interpolate(bytes, 2 * bytes, bytes, 0xfedc),
    'double evaluation': (kernel: typeof ours) => kernel.evaluate4(0, bytes, 0x8001, 0x7ffe, 0x00ff),
    'double interpolation': (kernel: typeof ours) => kernel.interpolate4(0, bytes, 0x0f0f, 0xf0f0, 0xff00),
  };
  for (const [name, operate] of Object.entries(operations)) {
    for (const kernel of [ours, reference]) {
      kernel.memory.set(content);
      operate(kernel);
    }
    if (!sameBytes(ours.memory.subarray(0, content.length), reference.memory.subarray(0, content.length))) return name;
  }
  return undefined;
}
