/** `sluice bench WHAT`: measures one part and says with what. */
import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { SluiceError, wordsOf } from '../shared/core/errors.js';
import { benchFec } from './fec.js';

function machine(): object {
  let commit = 'unknown';
  try {
    commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { stdio: ['ignore', 'pipe', 'ignore'] })
      .toString()
      .trim();
  } catch {
    // Not a git checkout, or no git.
  }
  return { machine: cpus()[0]?.model ?? 'unknown', cores: cpus().length, node: process.version, commit };
}

async function fec(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      k: { type: 'string', default: '4096' },
      repair: { type: 'string', default: '410' },
      lost: { type: 'string', default: '205' },
      runs: { type: 'string', default: '7' },
      json: { type: 'boolean', default: false },
    },
  });
  const [k, repair, lost, runs] = [values.k, values.repair, values.lost, values.runs].map(Number) as [
    number,
    number,
    number,
    number,
  ];
  if (![k, repair, lost, runs].every((value) => Number.isInteger(value) && value >= 0)) {
    throw new SluiceError('USAGE', '--k, --repair, --lost and --runs are whole numbers.');
  }
  const result = await benchFec({ k, repair, lost, runs });
  const line = { bench: 'fec', ...machine(), ...result };
  if (values.json) process.stdout.write(`${JSON.stringify(line)}\n`);
  else {
    const { encodeMBps, decodeMBps } = result.scalar;
    process.stderr.write(
      `k ${k}, ${repair} repair: encode ${encodeMBps.toFixed(0)} MB/s; ${lost} lost: decode ${decodeMBps.toFixed(0)} MB/s\n`,
    );
  }
}

const [what, ...args] = process.argv.slice(2);
try {
  if (what !== 'fec') throw new SluiceError('USAGE', 'sluice bench fec --k K --repair M --lost E [--json]');
  await fec(args);
} catch (error) {
  process.stderr.write(`sluice bench: ${wordsOf(error)}\n`);
  process.exitCode = 2;
}
