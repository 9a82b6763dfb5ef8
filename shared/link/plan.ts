/**
 * Which coding a link needs: for each size of a block and each interleave the least overhead whose residual loss is at
 * most what is wanted, what of the rate is then left for objects, and how long a block takes to be complete.
 * Everything is computed by residualLoss.ts; nothing is measured or guessed.
 */
import { LIMITS } from '../core/limits.js';
import { Partition } from '../fec/partition.js';
import { type Bursts, burstyResidual } from './burstyLoss.js';
import { repairSymbols } from './passes.js';
import { type OneBurst, type ResidualLoss, TransferLoss } from './residualLoss.js';
import { type SendRules, SentTransfer } from './sentTransfer.js';

/** Besides independent loss, one burst in each transfer, or bursts that come and go. */
export interface LinkLosses extends OneBurst {
  readonly bursts: Bursts | undefined;
}

export interface Question {
  /** Bytes of the payload: one object, or a bundle of small ones. */
  readonly sizeBytes: number;
  /** Headers of IP and UDP included. */
  readonly rateBps: number;
  readonly symbolBytes: number;
  readonly losses: LinkLosses;
  /** Residual loss wanted, at most. */
  readonly target: number;
  /** Sizes of a block that may be chosen: those that can describe an object of this size. */
  readonly blockSizes: readonly number[];
  readonly repairFloor: number;
  /** What the link carries between a small payload and its closing pass: padding when idle, what fits the delay else. */
  readonly guardSymbols: number;
  readonly closingDelayMs: number;
}

/** A coding, and what comes of it. */
export interface Choice {
  readonly overhead: number;
  readonly blockSymbols: number;
  readonly interleave: number;
  readonly residual: ResidualLoss;
  /** Object bits a second while the link is full. */
  readonly goodputBps: number;
  /** From a block's first frame to its last, and from the transfer's; at the full rate, alone on the link. */
  readonly blockMs: number;
  readonly transferMs: number;
  /** Blocks that the high side has in memory at once for one transfer, bytes. */
  readonly memoryBytes: number;
}

export interface Plan {
  /** The target that the choices reach: what was wanted, or, when nothing reaches that, the next one that can be had. */
  readonly target: number;
  readonly reachable: boolean;
  readonly recommended: Choice | undefined;
  /** When nothing reaches the target: the least residual loss that any coding has. */
  readonly least: ResidualLoss | undefined;
  /** From the least delay on, each with more goodput than the one before; the recommended one among them. */
  readonly choices: readonly Choice[];
}

const INTERLEAVES = [1, 2, 4, 8, 16, 32, 64] as const;
/** Two large transfers at once find room for a group each where the high side puts blocks together. */
const GROUP_MOST_BYTES = LIMITS.assemblyBytes / 2;
/** Overheads are looked for in these steps, up to what a configuration may say. */
const PPM_STEP = 1_000;
const STEPS = 4_000;
/** Goodput given up for less delay, and what makes a choice worth a line. */
const WORTH_DELAY = 0.01;
const WORTH_LINE = 0.002;

export function planLink(question: Question): Plan {
  const codings = codingsOf(question);
  const reaching = (target: number) => codings.flatMap((coding) => cheapest({ ...question, target }, coding) ?? []);
  const wanted = worthwhile(reaching(question.target));
  if (wanted.length > 0) {
    return {
      target: question.target,
      reachable: true,
      recommended: recommendedOf(wanted),
      least: undefined,
      choices: wanted,
    };
  }
  const least = leastOf(question, codings);
  const target = nextTarget(least.probability);
  const choices = target < 1 ? worthwhile(reaching(target)) : [];
  return { target, reachable: false, recommended: recommendedOf(choices), least, choices };
}

/** The least residual loss of these codings, each with all the repair there may be. */
function leastOf(question: Question, codings: readonly Omit<Coding, 'overheadPpm'>[]): ResidualLoss {
  let least: ResidualLoss | undefined;
  for (const coding of codings) {
    const one = residualLoss(question, { ...coding, overheadPpm: STEPS * PPM_STEP }, least?.probability);
    if (!least || one.probability < least.probability) least = one;
  }
  return least!;
}

/**
 * Residual loss of a coding: the greater of what an idle link and a busy one give. Only small payloads differ. From
 * `enough` on it need not be exact, only that much.
 */
export function residualLoss(question: Question, coding: Coding, enough = 1): ResidualLoss {
  const [busy, idle] = [false, true].map(
    (isIdle) => new SentTransfer(question.sizeBytes, rulesOf(question, coding, isIdle)),
  );
  const here = lossOf(busy!, question.losses, enough);
  if (!busy!.isSmall) return here;
  const there = lossOf(idle!, question.losses, enough);
  return there.probability > here.probability ? there : here;
}

const lossOf = (transfer: SentTransfer, losses: LinkLosses, enough: number): ResidualLoss =>
  losses.bursts
    ? burstyResidual(transfer, losses.loss, losses.bursts, enough)
    : new TransferLoss(transfer, losses).residual();

/** Whether a coding reaches the target. */
function reaches(question: Question, coding: Coding): boolean {
  return residualLoss(question, coding, question.target).probability <= question.target;
}

/** The least `repairFloor` with which a payload of this size reaches the target, if one does. */
export function floorFor(question: Question, coding: Coding): number | undefined {
  return leastThat(0, LIMITS.blockMaxSymbols, (repairFloor) => reaches({ ...question, repairFloor }, coding));
}

export type Coding = Pick<SendRules, 'blockSymbols' | 'interleave' | 'overheadPpm'>;

function rulesOf(question: Question, coding: Coding, idle: boolean): SendRules {
  const { symbolBytes, repairFloor, guardSymbols, closingDelayMs } = question;
  const gapDatagrams = idle ? guardSymbols : Math.floor(closingDelayMs / frameMs(question));
  return { symbolBytes, repairFloor, ...coding, idle, gapDatagrams };
}

const datagramBytes = ({ symbolBytes }: Question): number =>
  symbolBytes + LIMITS.frameOverheadBytes + LIMITS.udpHeaderBytes;
const frameMs = (question: Question): number => (datagramBytes(question) * 8_000) / question.rateBps;

function codingsOf(question: Question): Omit<Coding, 'overheadPpm'>[] {
  const { symbolBytes, sizeBytes } = question;
  return question.blockSizes.flatMap((blockSymbols) => {
    const { blocks } = new Partition(sizeBytes, { symbolBytes, blockSymbols });
    // An interleave beyond the blocks there are changes nothing.
    const useful = (interleave: number) =>
      interleave === 1 || (interleave < 2 * blocks && interleave * blockSymbols * symbolBytes <= GROUP_MOST_BYTES);
    return INTERLEAVES.filter(useful).map((interleave) => ({ blockSymbols, interleave }));
  });
}

function cheapest(question: Question, coding: Omit<Coding, 'overheadPpm'>): Choice | undefined {
  const at = (step: number): Coding => ({ ...coding, overheadPpm: step * PPM_STEP });
  const { losses } = question;
  const without = { ...question, losses: { ...losses, burstDatagrams: 0 } };
  // Without the burst it is quickly found, and with one never less.
  const low = leastThat(0, STEPS, (step) => reaches(without, at(step)));
  const step =
    low === undefined || losses.burstDatagrams === 0
      ? low
      : leastThat(low, STEPS, (step) => reaches(question, at(step)));
  return step === undefined ? undefined : choiceOf(question, at(step));
}

export function choiceOf(question: Question, coding: Coding): Choice {
  const { blockSymbols, interleave, overheadPpm } = coding;
  const transfer = new SentTransfer(question.sizeBytes, rulesOf(question, coding, false));
  const { frames, partition } = transfer;
  const blocks = Math.min(interleave, partition.blocks);
  const k = partition.blocks === 0 ? 0 : partition.k(0);
  const ofBlock = blocks * (k + repairSymbols(k, overheadPpm, question.repairFloor));
  return {
    overhead: overheadPpm / 1_000_000,
    blockSymbols,
    interleave,
    residual: residualLoss(question, coding),
    goodputBps: (question.sizeBytes / (frames * datagramBytes(question))) * question.rateBps,
    blockMs: ofBlock * frameMs(question),
    transferMs: frames * frameMs(question),
    memoryBytes: blocks * k * question.symbolBytes,
  };
}

/** From the least delay on, what brings more goodput than everything quicker. */
function worthwhile(choices: readonly Choice[]): Choice[] {
  const quickest = [...choices].sort(
    (a, b) => a.blockMs - b.blockMs || a.interleave - b.interleave || b.blockSymbols - a.blockSymbols,
  );
  const worth: Choice[] = [];
  for (const choice of quickest) {
    const before = worth.at(-1)?.goodputBps ?? 0;
    if (choice.goodputBps > before * (1 + WORTH_LINE)) worth.push(choice);
  }
  return worth;
}

/** The quickest of those whose goodput is about the best. */
function recommendedOf(choices: readonly Choice[]): Choice | undefined {
  const best = choices.at(-1)?.goodputBps ?? 0;
  return choices.find(({ goodputBps }) => goodputBps >= best * (1 - WORTH_DELAY));
}

/** The next power of ten from a probability on. */
function nextTarget(probability: number): number {
  const power = Math.ceil(Math.log10(probability));
  const target = Number(`1e${power}`);
  // The logarithm may have been rounded down to a whole number.
  return target >= probability ? target : Number(`1e${power + 1}`);
}

/**
 * The least whole number in low..high that will do, where a greater one does if a smaller one does. Looked for from
 * below in growing strides: what is asked for is mostly near.
 */
function leastThat(low: number, high: number, does: (value: number) => boolean): number | undefined {
  let from = low;
  let to = low;
  for (let stride = 1; !does(to); stride *= 2) {
    if (to >= high) return undefined;
    from = to + 1;
    to = Math.min(high, to + stride);
  }
  while (from < to) {
    const middle = Math.floor((from + to) / 2);
    if (does(middle)) to = middle;
    else from = middle + 1;
  }
  return to;
}
