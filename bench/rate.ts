/**
 * Which rate a machine carries: nothing comes back over the link, so a sender that is faster than its receiver loses what
 * it sends. Probes with ever higher rates find the highest one at which this machine drops (almost) nothing by itself.
 */
import type { Carried } from './carry.js';
import { rounded } from './figures.js';

export interface Probe {
  rateBps: number;
  goodputMBps: number;
  /** Part of the datagrams that this machine dropped, in sockets, rings and the simulated link. */
  dropped: number;
}

export interface FoundRate {
  rateBps: number;
  probes: Probe[];
}

const STEP = 2;
/** Probes between the last rate that was good and the first that was not. */
const BETWEEN = 2;
const HIGHEST_BPS = 40e9;
/** Part of the datagrams the machine itself may drop: far below what the smallest overhead makes up for. */
const DROPPED_MAX = 0.001;
/** A sender that stays so far below its rate is bound by something else; a higher rate changes nothing. */
const UNREACHED = 0.75;
/** Of the highest rate that was good: what is measured afterwards is longer than a probe. */
const MARGIN = 0.9;

export const droppedPart = ({ datagramsSent, receiverDrops, simulatorDrops }: Carried): number =>
  datagramsSent === 0 ? 0 : (receiverDrops + simulatorDrops) / datagramsSent;

/** Whether a run says that the rate was too high for this machine. */
export const isOverrun = (carried: Carried): boolean => droppedPart(carried) > DROPPED_MAX;

/**
 * @param firstBps a rate that any machine carries
 * @param probe carries a file at a rate
 * @param objectPart see `objectPartOf`
 */
export async function findRate(
  firstBps: number,
  objectPart: number,
  probe: (rateBps: number) => Promise<Carried>,
): Promise<FoundRate> {
  const probes: Probe[] = [];
  /** The fastest the sender ever was. */
  let reachedBps = 0;
  const tryRate = async (rateBps: number): Promise<'good' | 'dropped' | 'unreached'> => {
    const carried = await probe(rateBps);
    const dropped = droppedPart(carried);
    probes.push({ rateBps, goodputMBps: carried.goodputMBps, dropped: rounded(dropped, 5) });
    if (isOverrun(carried)) return 'dropped';
    const reached = reachedPart(carried, rateBps, objectPart);
    reachedBps = Math.max(reachedBps, Math.min(1, reached) * rateBps);
    return reached < UNREACHED ? 'unreached' : 'good';
  };
  let rateBps = firstBps;
  let outcome = await tryRate(rateBps);
  // A machine that does not carry the first rate is a slow or a busy one.
  while (outcome === 'dropped' && rateBps > firstBps / 8) {
    rateBps /= STEP;
    outcome = await tryRate(rateBps);
  }
  let tooHigh = HIGHEST_BPS;
  // A probe may be slowed down by something else that runs: two in a row that do not reach their rate are believed.
  let unreached = 0;
  while (outcome !== 'dropped' && unreached < 2 && rateBps * STEP <= HIGHEST_BPS) {
    outcome = await tryRate(rateBps * STEP);
    unreached = outcome === 'unreached' ? unreached + 1 : 0;
    if (outcome === 'dropped') tooHigh = rateBps * STEP;
    else rateBps *= STEP;
  }
  if (tooHigh === HIGHEST_BPS && outcome === 'dropped') return { rateBps: Math.round(rateBps), probes };
  for (let tries = 0; tries < BETWEEN && tooHigh < HIGHEST_BPS && rateBps * UNREACHED <= reachedBps; tries++) {
    const middle = Math.sqrt(rateBps * tooHigh);
    if ((await tryRate(middle)) === 'dropped') tooHigh = middle;
    else rateBps = middle;
  }
  // A sender without a pace takes whatever processor it finds, its receiver's on the same machine too: it is paced to a
  // little less than what it reached by itself.
  return { rateBps: Math.round(Math.min(rateBps, reachedBps) * MARGIN), probes };
}

/** Object bytes in each byte on the wire, about: a frame has 64 bytes beside its symbol, a datagram 28 more. */
export function objectPartOf(mtu: number, overhead: number): number {
  const symbolBytes = Math.floor((mtu - 92) / 64) * 64;
  return symbolBytes / (symbolBytes + 92) / (1 + overhead);
}

/** How much of its rate the sender used: 1 when the rate is what bounds. */
export const reachedPart = ({ sentMBps }: Carried, rateBps: number, objectPart: number): number =>
  sentMBps / ((rateBps / 8e6) * objectPart);
