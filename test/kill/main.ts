/** `npm run test:kill -- [--kills N] [--seed S] [--stores | --disks] [--json]`: see harness.ts. Exit 1 unless nothing was lost, double or partial. */
import { Command } from 'commander';
import { whole } from '../../shared/ops/cli/numbers.js';
import { killAround } from './harness.js';

const program = new Command('test:kill')
  .description('kills random processes of both sides under mixed traffic and compares what arrives')
  .option('--kills <n>', 'how many', whole(0, 100_000), 200)
  .option('--seed <n>', 'seed of traffic, victims and moments', whole(0, 2 ** 31), 1)
  .option('--stores', 'instead of killing processes, trouble the Redis of either side')
  .option('--disks', 'instead of killing processes, fill the disks of either side and of a storage (as root)')
  .option('--json', 'the outcome as one line of JSON on stdout, and nothing else there');
interface Options {
  kills: number;
  seed: number;
  stores?: boolean;
  disks?: boolean;
  json?: boolean;
}
const { kills, seed, json, stores, disks } = program.parse().opts<Options>();

const what = stores ? 'stores' : disks ? 'disks' : 'processes';
const begunMs = performance.now();
const report = await killAround({ kills, seed, what, say: (line) => process.stderr.write(`${line}\n`) });
const { objects, released, lost, double, partial } = report;
if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
else {
  const seconds = Math.round((performance.now() - begunMs) / 1000);
  process.stdout.write(
    `${report.kills} kills in ${seconds} s (seed ${seed}): ${released} of ${objects} objects released; ` +
      `${lost} lost, ${double} double, ${partial} partial\n`,
  );
}
process.exitCode = lost + double + partial === 0 ? 0 : 1;
