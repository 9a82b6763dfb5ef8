/** The kernels the erasure code can run on, by name, and the environment variable that pins one. */

/** The fastest first. They make the same bytes. */
export const KERNEL_NAMES = ['relaxed-simd', 'simd', 'scalar'] as const;
export type KernelName = (typeof KERNEL_NAMES)[number];

export const KERNEL_VARIABLE = 'SLUICE_FEC_KERNEL';
