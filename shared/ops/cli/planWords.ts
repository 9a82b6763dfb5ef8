/** What `sluice plan` says to an operator: the keys, what they give, what else could be had, what nothing promises. */
import { formatDuration, formatRate, formatSize } from '../../core/units.js';
import type { Choice, LinkLosses, Plan, Question } from '../../link/plan.js';
import type { ResidualLoss } from '../../link/residualLoss.js';
import { toYaml } from '../config/load.js';
import { writeRate } from '../config/settings.js';
import type { EverySize, Smaller } from './plan.js';

export interface Asked {
  rate: number;
  mtu: number;
  target: number;
}

export function planLines(
  asked: Asked,
  question: Question,
  plan: Plan,
  smaller: readonly Smaller[],
  everySize?: EverySize,
): string[] {
  const { recommended, target, least } = plan;
  const lines = [assumption(asked, question)];
  if (least) {
    lines.push(
      '',
      `No coding reaches ${asked.target.toExponential()}: ${reasonOf(least)}`,
      'What helps: fewer or shorter bursts, less loss, or sending it again (`sluice resend`), which adds to what has arrived.',
    );
  }
  if (!recommended) return [...lines, 'On such a link nothing can be promised.'];
  if (least) lines.push(`What can be had is ${target.toExponential()}:`);
  const { overhead, blockSymbols, interleave } = recommended;
  const link = { rate: writeRate(asked.rate), mtu: asked.mtu, overhead, blockSymbols, interleave };
  return [
    ...[...lines, '', ...toYaml({ link }).trimEnd().split('\n'), ''],
    ...resultLines(recommended, question),
    ...['', 'Less delay for less goodput, or the other way round (* as above):', ...tableOf(plan)],
    ...(smaller.length > 0 ? ['', ...smallerLines(smaller, target, question, everySize)] : []),
    '',
    ...PROMISES,
  ];
}

function assumption({ rate, mtu }: Asked, { sizeBytes, losses }: Question): string {
  const { loss } = losses;
  const size = formatSize(sizeBytes);
  return `A transfer of ${size} over ${formatRate(rate)} with MTU ${mtu}; ${percent(loss)} of the datagrams lost independently; ${burstOf(losses)}.`;
}

function burstOf({ burstDatagrams, bursts }: LinkLosses): string {
  if (bursts) {
    const { rate, meanDatagrams } = bursts;
    return `bursts of ${meanDatagrams} datagrams on average, one beginning every ${Math.round(1 / rate)}`;
  }
  if (burstDatagrams === 0) return 'no burst';
  return `one burst of ${burstDatagrams} consecutive datagrams in each transfer, as likely to begin at any of its datagrams`;
}

/** What stands in the way when even the greatest overhead does not do. */
const reasonOf = ({ probability, envelope }: ResidualLoss): string =>
  envelope > probability / 2
    ? `the envelope, whose repair is fixed, is lost with ${odds(envelope)} whatever the overhead is.`
    : `with four repair symbols for each source symbol ${odds(probability)} remain.`;

function resultLines(choice: Choice, { rateBps, losses }: Question): string[] {
  const { residual, goodputBps, blockMs, transferMs, memoryBytes } = choice;
  const lines = [
    `Not recovered: ${losses.bursts ? 'at most ' : ''}${odds(residual.probability)} (envelope ${odds(residual.envelope)}, blocks ${odds(residual.blocks)}).`,
    `Goodput: ${formatRate(goodputBps)}, ${percent(goodputBps / rateBps)} of the rate; ${formatDuration(transferMs)} for the transfer.`,
    `Delay: a block is complete ${formatDuration(blockMs)} after its first symbol; the high side keeps ${formatSize(memoryBytes)} in memory for it.`,
  ];
  if (losses.burstDatagrams > 0) {
    const where = residual.worstIsEnvelope ? 'on the envelope' : 'on the blocks';
    lines.push(`With the burst where it does most harm, ${where}: ${odds(residual.worst)}.`);
  }
  return lines;
}

const COLUMNS = ['', 'overhead', 'blockSymbols', 'interleave', 'goodput', 'delay', 'not recovered'];

const tableOf = ({ choices, recommended }: Plan): string[] =>
  aligned([
    COLUMNS,
    ...choices.map((choice) => {
      const { overhead, blockSymbols, interleave, goodputBps, blockMs, residual } = choice;
      const mark = choice === recommended ? '*' : '';
      const cells = [mark, overhead, blockSymbols, interleave, formatRate(goodputBps), formatDuration(blockMs)];
      return [...cells.map(String), odds(residual.probability)];
    }),
  ]);

function smallerLines(
  smaller: readonly Smaller[],
  target: number,
  { repairFloor }: Question,
  everySize?: EverySize,
): string[] {
  const rows = smaller.map(({ sizeBytes, residualLoss, repairFloor }) => {
    const need = residualLoss <= target ? '' : (repairFloor ?? 'no floor does');
    return [formatSize(sizeBytes), odds(residualLoss), String(need)];
  });
  const lines = [
    'Smaller transfers have fewer blocks that share a burst. With the same keys:',
    ...aligned([['size', 'not recovered', 'link.repairFloor needed'], ...rows]),
  ];
  if (everySize && everySize.repairFloor > repairFloor) {
    const { repairFloor: floor, goodputBps } = everySize;
    lines.push(
      `With link.repairFloor ${floor} (it is ${repairFloor}) all of them reach it; ${formatRate(goodputBps)} are then left.`,
    );
  }
  return [...lines, 'Small files travel in bundles of up to link.bundleSize: a bundle is one transfer.'];
}

const PROMISES = [
  'Not promised: losses that come together in other ways than this one burst, more bursts than one in a transfer, a',
  'cable that is out, a receiver that cannot keep up (RECEIVER_OVERRUN). What is missing is named by the high side',
  '(`sluice missing`) and sent again by the low side (`sluice resend`). Measure the loss of the link before you believe',
  'in one: `sluice status` on the high side counts what was lost.',
];

/** Three digits, or as many as people read: "3.2e-10". */
const odds = (probability: number): string => (probability === 0 ? '0' : probability.toExponential(1));
const percent = (part: number): string => `${Number((part * 100).toPrecision(3))} %`;

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) => `  ${row.map((cell, column) => cell.padStart(widths[column]!)).join('  ')}`);
}
