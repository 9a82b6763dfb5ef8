/**
 * What the matrix measures. A sitting is one pair of sides that carries files over links of different kinds, a cell one
 * kind of link; cells have ids that stay the same from run to run, so that results can be compared.
 */
export type Group = 'clean' | 'disk' | 'loss' | 'burst' | 'files' | 'latency' | 'fec';
export const GROUPS: readonly Group[] = ['clean', 'disk', 'loss', 'burst', 'files', 'latency', 'fec'];

export interface Cell {
  id: string;
  loss: number;
  burst: number;
}

export interface Sitting {
  group: 'clean' | 'disk' | 'loss' | 'burst';
  mtu: number;
  overhead: number;
  /** Whether `sluice link` is in between. */
  simulated: boolean;
  /** In order of what is lost: where two cells in a row carried nothing, later ones will not either. */
  cells: Cell[];
  sizeBytes: number;
  runs: number;
}

/** How much of everything: the published one, or one that only shows that everything works. */
export interface Scale {
  cleanBytes: number;
  lossyBytes: number;
  runs: number;
  losses: readonly number[];
  bursts: readonly number[];
  overheads: readonly number[];
  mtus: readonly number[];
  files: { count: number; sizeBytes: number; runs: number };
  latency: { count: number; sizeBytes: number; runs: number };
  fec: { k: number; repair: number; lost: readonly number[]; runs: number };
}

const MIB = 1024 * 1024;

export const FULL: Scale = {
  cleanBytes: 1024 * MIB,
  lossyBytes: 128 * MIB,
  runs: 3,
  losses: [0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.07, 0.09, 0.12, 0.15, 0.18, 0.2],
  bursts: [100, 300, 1_000, 3_000],
  overheads: [0.02, 0.1, 0.25],
  mtus: [1500, 9000],
  files: { count: 5_000, sizeBytes: 16 * 1024, runs: 3 },
  latency: { count: 40, sizeBytes: 1_000_000, runs: 2 },
  fec: { k: 4096, repair: 410, lost: [0, 4, 205], runs: 7 },
};

export const SMALL: Scale = {
  ...FULL,
  cleanBytes: MIB,
  lossyBytes: MIB,
  runs: 1,
  losses: [0, 0.3],
  bursts: [20],
  overheads: [0.1],
  mtus: [1500],
  files: { count: 10, sizeBytes: 1024, runs: 1 },
  latency: { count: 2, sizeBytes: 10_000, runs: 1 },
  fec: { k: 64, repair: 8, lost: [2], runs: 1 },
};

export function sittingsOf(scale: Scale): Sitting[] {
  const { cleanBytes, lossyBytes, runs, losses, bursts, overheads, mtus } = scale;
  const sittings: Sitting[] = [];
  const onDisk = { mtu: mtus[0]!, overhead: overheads.find((one) => one >= 0.1) ?? overheads[0]! };
  const disk = [{ id: `on disk, mtu ${onDisk.mtu}, overhead ${percent(onDisk.overhead)}`, loss: 0, burst: 0 }];
  sittings.push({ group: 'disk', ...onDisk, simulated: false, cells: disk, sizeBytes: cleanBytes, runs });
  for (const mtu of mtus) {
    for (const overhead of overheads) {
      const of = `mtu ${mtu}, overhead ${percent(overhead)}`;
      const clean = [{ id: `clean, ${of}`, loss: 0, burst: 0 }];
      sittings.push({ group: 'clean', mtu, overhead, simulated: false, cells: clean, sizeBytes: cleanBytes, runs });
      const lossy = losses.map((loss) => ({ id: `loss ${percent(loss)}, ${of}`, loss, burst: 0 }));
      sittings.push({ group: 'loss', mtu, overhead, simulated: true, cells: lossy, sizeBytes: lossyBytes, runs });
      const dark = bursts.map((burst) => ({ id: `burst ${burst}, ${of}`, loss: 0, burst }));
      sittings.push({ group: 'burst', mtu, overhead, simulated: true, cells: dark, sizeBytes: lossyBytes, runs });
    }
  }
  // What matters most first, should the time not suffice for all.
  return GROUPS.flatMap((group) => sittings.filter((sitting) => sitting.group === group));
}

export const percent = (fraction: number): string => `${Number((fraction * 100).toFixed(2))} %`;
