/** `sluice bench WHAT`: measures one part and says with what. */
import { parseArgs } from 'node:util';
import { codeOf, SluiceError, wordsOf } from '../shared/core/errors.js';
import { parseRate, parseSize } from '../shared/core/units.js';
import { about } from './about.js';
import { SIDES_USAGE } from './commandOptions.js';
import { benchFairness } from './fairness.js';
import { benchFec, fastKernel } from './fec.js';
import { benchCrossover } from './fecCrossover.js';
import { benchIntake } from './intake.js';
import { benchReceipts } from './receipts.js';
import { compareCommand, matrixCommand, profileCommand, RESULT_USAGE, reportCommand } from './resultCommands.js';
import { benchSocket } from './socket.js';
import { e2eCommand, filesCommand, latencyCommand, linkCommand, WHOLE_USAGE } from './wholeCommands.js';

async function fec(args: string[]): Promise<undefined> {
  const { values } = parseArgs({
    args,
    options: {
      k: { type: 'string', default: '4096' },
      repair: { type: 'string', default: '410' },
      lost: { type: 'string', default: '205' },
      runs: { type: 'string', default: '7' },
      crossover: { type: 'boolean', default: false },
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
  if (values.crossover) return crossover(k, runs, values.json);
  const result = await benchFec({ k, repair, lost, runs });
  const line = { bench: 'fec', ...about(), ...result };
  if (values.json) process.stdout.write(`${JSON.stringify(line)}\n`);
  else {
    for (const name of ['scalar', 'simd'] as const) {
      const speed = result[name];
      const words = speed
        ? `encode ${speed.encodeMBps.toFixed(0)} MB/s, decode with ${lost} lost ${speed.decodeMBps.toFixed(0)} MB/s`
        : 'does not run here';
      process.stderr.write(`k ${k}, ${repair} repair, ${speed && 'kernel' in speed ? speed.kernel : name}: ${words}\n`);
    }
  }
}

function crossover(k: number, runs: number, json: boolean): undefined {
  const { kind } = fastKernel();
  const rows = benchCrossover(k, 1408, kind, runs);
  if (json) {
    const what = { bench: 'fec-crossover', ...about(), k, symbolBytes: 1408, runs, erasureCode: kind.name };
    for (const row of rows) process.stdout.write(`${JSON.stringify({ ...what, ...row })}\n`);
    return;
  }
  for (const { lost, directMs, fftMs, taken } of rows) {
    const words = `directly ${directMs.toFixed(2)} ms, by transforms ${fftMs.toFixed(2)} ms, by itself ${taken}`;
    process.stderr.write(`k ${k}, ${kind.name}, ${lost} lost: ${words}\n`);
  }
}

async function fairness(args: string[]): Promise<undefined> {
  const { values } = parseArgs({
    args,
    options: {
      big: { type: 'string', default: '5GiB' },
      storm: { type: 'string', default: '0' },
      'storm-size': { type: 'string', default: '4KiB' },
      letters: { type: 'string', default: '20' },
      size: { type: 'string', default: '10KiB' },
      rate: { type: 'string', default: '200Mbps' },
      weights: { type: 'string', default: '10' },
      queues: { type: 'string', default: 'auto' },
      json: { type: 'boolean', default: false },
    },
  });
  const [storm, letters, weightsSeconds] = [values.storm, values.letters, values.weights].map(Number) as [
    number,
    number,
    number,
  ];
  if (![storm, letters, weightsSeconds].every((value) => Number.isInteger(value) && value >= 0)) {
    throw new SluiceError('USAGE', '--storm, --letters and --weights (seconds) are whole numbers.');
  }
  const { queues } = values;
  if (queues !== 'auto' && queues !== 'redis-server' && queues !== 'embedded') {
    throw new SluiceError('USAGE', '--queues is auto, redis-server or embedded.');
  }
  const say = (line: string) => void process.stderr.write(`${line}\n`);
  const sizes = { bigBytes: parseSize(values.big), stormBytes: parseSize(values['storm-size']) };
  const asked = { ...sizes, storm, letters, letterBytes: parseSize(values.size) };
  const rateBps = parseRate(values.rate);
  const result = await benchFairness({ ...asked, rateBps, weightsSeconds, queues, say });
  if (values.json) {
    process.stdout.write(`${JSON.stringify({ bench: 'fairness', ...about(), ...asked, rateBps, ...result })}\n`);
    return;
  }
  const { lettersMs, medianMs, medianFromTakenMs, shares, loadAverage } = result;
  if (letters > 0) {
    const range = `${lettersMs[0]} to ${lettersMs.at(-1)} ms`;
    say(`${letters} letters: median ${medianMs} ms (${range}), ${medianFromTakenMs} ms of them since they were taken`);
  }
  for (const [tenant, share] of Object.entries(shares)) say(`${tenant}: ${(share * 100).toFixed(1)} % of its share`);
  say(`load average ${loadAverage.toFixed(1)}`);
}

async function intake(args: string[]): Promise<undefined> {
  const { values } = parseArgs({
    args,
    options: {
      count: { type: 'string', default: '100000' },
      size: { type: 'string', default: '4KiB' },
      dir: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const files = Number(values.count);
  if (!Number.isInteger(files) || files < 1) throw new SluiceError('USAGE', '--count is a whole number.');
  const say = (line: string) => void process.stderr.write(`${line}\n`);
  const asked = { files, fileBytes: parseSize(values.size) };
  const result = await benchIntake({ ...asked, say, ...(values.dir ? { dir: values.dir } : {}) });
  if (values.json) {
    process.stdout.write(`${JSON.stringify({ bench: 'intake', ...about(), ...asked, ...result })}\n`);
    return;
  }
  say(`${result.filesPerSecond} files/s (${result.ledgerSeconds} s of ${result.seconds} s for the ledger)`);
  say(`a poll at rest takes ${result.restPollMs} ms`);
  say(`resident: ${result.peakResidentMiB} MiB at most, ${result.restResidentMiB} MiB at rest`);
  say(`load average ${result.loadAverage}`);
}

async function receipts(args: string[]): Promise<undefined> {
  const { values } = parseArgs({
    args,
    options: {
      count: { type: 'string', default: '10000' },
      dir: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const count = Number(values.count);
  if (!Number.isInteger(count) || count < 1) throw new SluiceError('USAGE', '--count is a whole number.');
  const result = await benchReceipts(count, values.dir);
  if (values.json) process.stdout.write(`${JSON.stringify({ bench: 'receipts', ...about(), ...result })}\n`);
  else {
    const { receiptsPerSecond, cpuMsPerThousand } = result;
    const cost = `${cpuMsPerThousand.toFixed(0)} ms of processor time for a thousand`;
    process.stderr.write(`${count} receipts: ${receiptsPerSecond.toFixed(0)} a second, ${cost}\n`);
  }
}

async function socket(args: string[]): Promise<undefined> {
  const { values } = parseArgs({
    args,
    options: {
      mtu: { type: 'string', default: '1500' },
      size: { type: 'string', default: '512MiB' },
      json: { type: 'boolean', default: false },
    },
  });
  const mtu = Number(values.mtu);
  if (!Number.isInteger(mtu)) throw new SluiceError('USAGE', '--mtu is a whole number.');
  const result = await benchSocket({ mtu, bytes: parseSize(values.size) });
  if (values.json) process.stdout.write(`${JSON.stringify({ bench: 'socket', ...about(), mtu, ...result })}\n`);
  else {
    for (const wish of ['batched', 'dgram'] as const) {
      const { transport, MBps, cpuSecondsPerGB, lost } = result[wish];
      const fallen = transport === wish ? '' : ` (as ${transport}: refused here)`;
      const cost = `${cpuSecondsPerGB} processor seconds a GB`;
      process.stderr.write(`MTU ${mtu}, ${wish}${fallen}: ${MBps} MB/s, ${cost}, ${lost} lost\n`);
    }
    process.stderr.write(`ratio ${result.ratio}\n`);
  }
}

const USAGE = `${WHOLE_USAGE}
       sluice bench fec --k K --repair M --lost E [--runs 7] [--json]
       sluice bench fec --crossover --k K [--runs 7] [--json]
       sluice bench socket [--mtu 1500] [--size 512MiB] [--json]
       sluice bench fairness [--big 5GiB] [--storm FILES] [--storm-size 4KiB] [--letters 20] [--size 10KiB] [--rate 200Mbps] [--weights SECONDS] [--json]
       sluice bench intake [--count 100000] [--size 4KiB] [--dir DIR] [--json]
       sluice bench receipts [--count 10000] [--dir DIR] [--json]
       ${RESULT_USAGE}
${SIDES_USAGE}`;

const COMMANDS: Record<string, (args: string[]) => number | undefined | Promise<number | undefined>> = {
  e2e: e2eCommand,
  link: linkCommand,
  files: filesCommand,
  latency: latencyCommand,
  matrix: matrixCommand,
  report: reportCommand,
  compare: compareCommand,
  profile: profileCommand,
  fec,
  fairness,
  intake,
  receipts,
  socket,
};

const [what = '', ...args] = process.argv.slice(2);
try {
  const command = Object.hasOwn(COMMANDS, what) ? COMMANDS[what] : undefined;
  if (!command) throw new SluiceError('USAGE', USAGE);
  process.exitCode = (await command(args)) ?? 0;
} catch (error) {
  process.stderr.write(`sluice bench: ${wordsOf(error)}\n`);
  process.exitCode = isUsage(error) ? 2 : 3;
}

/** Options that parseArgs does not know have a code of its own. */
function isUsage(error: unknown): boolean {
  return codeOf(error) === 'USAGE' || String((error as NodeJS.ErrnoException).code).startsWith('ERR_PARSE_ARGS');
}
