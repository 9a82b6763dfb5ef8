/** Every kernel of the erasure code, by name: tests run over all of them. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { KernelKind } from '../../shared/fec/kernel.js';
import { SCALAR } from '../../shared/fec/scalarKernel.js';
import { loadKernel } from '../../shared/fec/simd/kernelChoice.js';
import { ROOT } from './cli.js';

// Whoever calls the TypeScript compiler alone has no kernel yet, or that of an older source.
execFileSync(process.execPath, [join(ROOT, 'shared/fec/simd/build.js')], { stdio: 'inherit' });

export const SIMD: KernelKind = loadKernel('simd');
export const RELAXED: KernelKind = loadKernel('relaxed-simd');
export const KINDS: readonly KernelKind[] = [SCALAR, SIMD, RELAXED];
