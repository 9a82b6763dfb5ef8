/** The kernels the erasure code can run on, by name, and the environment variable that pins one. */

/** The fastest first. They make the same bytes. */
export const KERNEL_NAMES = ['relaxed-simd', 'simd', 'scalar'] as const;
export type KernelName = (typeof KERNEL_NAMES)[number];

/** What a side says of the one it runs on. */
export interface KernelInUse {
  readonly kernel: string;
  /** Why it is not the one that would be expected here. */
  readonly because?: string;
}

export const KERNEL_VARIABLE = 'SLUICE_FEC_KERNEL';
