/** `sluice plan`: which coding the link needs for a loss that is expected of it, computed and not guessed. */
import { type Command, Option } from 'commander';
import { SluiceError } from '../../core/errors.js';
import { formatSize } from '../../core/units.js';
import {
  type Choice,
  type Coding,
  choiceOf,
  floorFor,
  type Plan,
  planLink,
  type Question,
  residualLoss,
} from '../../link/plan.js';
import { blockSymbolsFor, MTU_MAX_BYTES, MTU_MIN_BYTES, objectMaxBytes, symbolBytesForMtu } from '../config/derive.js';
import { BLOCK_SYMBOLS_DEFAULT, lowSchema } from '../config/schema.js';
import type { ExitCode } from './exitCode.js';
import { atLeast, fraction, rate, size, whole } from './numbers.js';
import { jsonLine } from './output.js';
import { planLines } from './planWords.js';

interface PlanOptions {
  rate: number;
  loss: number;
  burst: number;
  burstMean?: number;
  burstRate?: number;
  target: number;
  mtu: number;
  size: number;
  json?: boolean;
}

/** What a smaller payload gets with the recommended coding. */
export interface Smaller {
  readonly sizeBytes: number;
  readonly residualLoss: number;
  /** The least `link.repairFloor` with which it reaches the target too; undefined when none does. */
  readonly repairFloor: number | undefined;
}

export interface EverySize {
  readonly repairFloor: number;
  /** Of the transfer of the size that was asked for. */
  readonly goodputBps: number;
}

/** Blocks that are looked at; what the MTU does not allow is made smaller. */
const BLOCK_SIZES = [512, 1_024, 2_048, BLOCK_SYMBOLS_DEFAULT];
/** Beside these, the payload that just fills one block: a burst takes all it has from that one. */
const SMALLER_BYTES = [64 * 1024, 1024 ** 2, 32 * 1024 ** 2, 256 * 1024 ** 2];

export function addPlanCommand(program: Command, finish: (code: ExitCode) => void): void {
  program
    .command('plan')
    .description('which overhead, block size and interleave a link needs; exit 1 when the target cannot be met')
    .addOption(
      new Option('--rate <rate>', 'rate of the link, headers included').argParser(rate).default(2e8, '200Mbps'),
    )
    .addOption(new Option('--loss <p>', 'probability that a datagram is lost').argParser(fraction).default(0))
    .addOption(
      new Option('--burst <n>', 'one run of N consecutive datagrams lost per transfer')
        .argParser(whole(0, 1_000_000))
        .default(0),
    )
    .addOption(
      new Option('--burst-mean <n>', 'instead: mean length of bursts that come and go, with --burst-rate').argParser(
        atLeast(1),
      ),
    )
    .addOption(new Option('--burst-rate <p>', 'probability that a burst begins at a datagram').argParser(fraction))
    .addOption(
      new Option('--target <p>', 'probability, at most, that a transfer is not recovered')
        .argParser(fraction)
        .makeOptionMandatory(),
    )
    .addOption(
      new Option('--mtu <bytes>', 'IP MTU of the link').argParser(whole(MTU_MIN_BYTES, MTU_MAX_BYTES)).default(1_500),
    )
    .addOption(
      new Option('--size <size>', 'of the object, or of a bundle of small ones')
        .argParser(size)
        .default(1024 ** 3, '1GiB'),
    )
    .option('--json', 'one JSON object on stdout')
    .action((options: PlanOptions) => {
      const question = questionOf(options);
      const plan = planLink(question);
      const smaller = smallerOf(question, plan);
      const everySize = everySizeOf(question, plan, smaller);
      if (options.json) jsonLine(documentOf(options, plan, smaller, everySize));
      else process.stdout.write(`${planLines(options, question, plan, smaller, everySize).join('\n')}\n`);
      finish(plan.reachable ? 0 : 1);
    });
}

/** @throws SluiceError USAGE */
export function questionOf(options: PlanOptions): Question {
  const { rate, loss, burst, burstMean, burstRate, target, mtu, size } = options;
  const need = (holds: boolean, detail: string) => {
    if (!holds) throw new SluiceError('USAGE', detail);
  };
  need(target >= TARGET_LEAST && target < 1, `--target: write a probability from ${TARGET_LEAST} to below 1.`);
  need(loss < 1, '--loss: a link that loses everything carries nothing.');
  need(size > 0, '--size: nothing needs no coding; write a size above 0.');
  need(rate > 0, '--rate: write a rate above 0.');
  need((burstMean === undefined) === (burstRate === undefined), '--burst-mean and --burst-rate only work together.');
  need(burstMean === undefined || burst === 0, '--burst is one burst, --burst-mean many: write one of them.');
  need(burstRate === undefined || burstRate < 1, '--burst-rate: a link that is always bad carries nothing.');
  const symbolBytes = symbolBytesForMtu(mtu);
  const allowed = new Set(BLOCK_SIZES.map((symbols) => blockSymbolsFor(symbolBytes, symbols)));
  const blockSizes = [...allowed].filter((symbols) => objectMaxBytes(symbolBytes, symbols) >= size);
  const most = objectMaxBytes(symbolBytes, blockSymbolsFor(symbolBytes, BLOCK_SYMBOLS_DEFAULT));
  need(blockSizes.length > 0, `--size: at MTU ${mtu} an object has at most ${formatSize(most)}.`);
  const { repairFloor, guardSymbols, closingDelay } = lowSchema('/').shape.link.parse({ target: '127.0.0.1:1' });
  const bursts = burstMean && burstRate ? { rate: burstRate, meanDatagrams: burstMean } : undefined;
  const losses = { loss, burstDatagrams: burst, bursts };
  const send = { repairFloor, guardSymbols, closingDelayMs: closingDelay };
  return { sizeBytes: size, rateBps: rate, symbolBytes, losses, target, blockSizes, ...send };
}

/** Below it the arithmetic still holds, but nothing that anybody assumes about a link does. */
const TARGET_LEAST = 1e-18;

export function smallerOf(question: Question, { recommended, target }: Plan): Smaller[] {
  if (!recommended) return [];
  const coding = codingOf(recommended);
  const oneBlock = coding.blockSymbols * question.symbolBytes;
  const sizes = [...SMALLER_BYTES, oneBlock].filter((sizeBytes) => sizeBytes < question.sizeBytes);
  return sizes
    .sort((a, b) => a - b)
    .map((sizeBytes) => {
      const asked = { ...question, sizeBytes, target };
      const { probability } = residualLoss(asked, coding);
      return { sizeBytes, residualLoss: probability, repairFloor: floorFor(asked, coding) };
    });
}

const codingOf = ({ blockSymbols, interleave, overhead }: Choice): Coding => ({
  blockSymbols,
  interleave,
  overheadPpm: Math.round(overhead * 1_000_000),
});

/** The floor with which every size that was looked at reaches the target, and what it leaves of the rate; if there is one. */
export function everySizeOf(
  question: Question,
  { recommended }: Plan,
  smaller: readonly Smaller[],
): EverySize | undefined {
  const floors = smaller.map(({ repairFloor }) => repairFloor);
  if (!recommended || floors.length === 0 || floors.includes(undefined)) return undefined;
  const repairFloor = Math.max(question.repairFloor, ...(floors as number[]));
  const { goodputBps } = choiceOf({ ...question, repairFloor }, codingOf(recommended));
  return { repairFloor, goodputBps };
}

function documentOf(options: PlanOptions, plan: Plan, smaller: readonly Smaller[], everySize?: EverySize): object {
  const { rate, loss, burst, burstMean, burstRate, target, mtu, size } = options;
  const { recommended, choices, reachable, least } = plan;
  return {
    rateBps: rate,
    loss,
    burst,
    burstMean: burstMean ?? null,
    burstRate: burstRate ?? null,
    target,
    mtu,
    sizeBytes: size,
    reachable,
    reachableTarget: plan.target,
    leastResidualLoss: least?.probability ?? null,
    recommended: recommended ?? null,
    choices,
    smaller: smaller.map((one) => ({ ...one, repairFloor: one.repairFloor ?? null })),
    everySize: everySize ?? null,
  };
}
