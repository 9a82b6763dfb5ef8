/**
 * How much is sent of a payload and of its envelope, and when: pure arithmetic, so that it can be tested and read
 * beside docs/PROTOCOL.md.
 *
 *   edge padding | envelope pass | payload: source and repair symbols, blocks interleaved | ... | closing pass | padding
 *
 * The closing pass repeats the envelope with further symbols. After a small payload it comes a little later and, while
 * the link has nothing better to do, behind some padding and with further repair, so that one dark moment cannot
 * take all of a letter.
 */
import { LIMITS } from '../core/limits.js';

/** Repair symbols sent with a block of k source symbols. */
export function repairSymbols(k: number, overheadPpm: number, floor: number): number {
  return Math.max(Math.ceil((k * overheadPpm) / 1_000_000), floor);
}

/** An envelope is worth more than any block: half as much again, and never fewer than this. */
const ENVELOPE_REPAIR_FLOOR = 4;
export const envelopeRepairSymbols = (k: number): number => Math.max(Math.ceil(k / 2), ENVELOPE_REPAIR_FLOOR);

export interface EsiRange {
  first: number;
  count: number;
}

/**
 * The symbols of the envelope's n-th pass. The first sends source and repair; every later one sends as many repair
 * symbols not sent before, so that all passes add up. Far beyond any practical count the field ends and it begins anew.
 */
export function envelopePass(k: number, pass: number): EsiRange {
  const repair = envelopeRepairSymbols(k);
  if (pass === 0) return { first: 0, count: k + repair };
  const first = repair + (pass - 1) * (k + repair);
  return { first: k + wrapRepair(k, first, k + repair), count: k + repair };
}

/** First repair symbol to use so that `count` of them stay inside the field: where it would end, they begin anew. */
export function wrapRepair(k: number, first: number, count: number): number {
  const room = LIMITS.codePoints - 2 ** Math.ceil(Math.log2(k));
  return first + count <= room ? first : first % Math.max(1, room - count);
}

/** Payloads of at most this many source symbols get the delayed closing pass. */
export const SMALL_PAYLOAD_SYMBOLS = 512;

/** Further repair symbols in the closing pass of a small payload: as many again while the link is idle, else the floor. */
export function closingRepairSymbols(k: number, floor: number, idle: boolean): number {
  return idle ? Math.max(k, floor) : floor;
}
