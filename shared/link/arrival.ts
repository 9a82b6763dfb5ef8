/**
 * How likely it is that what was sent can be put together again, when the link loses each datagram with a given
 * probability, independently of the others. Arithmetic about an assumption: nothing here knows anything of the link.
 */

/** Some equal blocks: `symbols` were sent of each, and any `needed` of them rebuild it. */
export interface SentBlocks {
  readonly count: number;
  readonly needed: number;
  readonly symbols: number;
}

/** Probability that every block can be rebuilt. */
export function arrivalProbability(blocks: readonly SentBlocks[], loss: number): number {
  let log = 0;
  for (const { count, needed, symbols } of blocks) {
    if (count > 0) log += count * Math.log(atMostLost(symbols, symbols - needed, loss));
  }
  return Math.exp(log);
}

/** Probability that of n datagrams at most m are lost: the lower tail of the binomial distribution, summed in logarithms. */
export function atMostLost(n: number, m: number, loss: number): number {
  if (m < 0) return 0;
  if (loss <= 0 || m >= n) return 1;
  if (loss >= 1) return 0;
  const odds = Math.log(loss) - Math.log1p(-loss);
  let term = n * Math.log1p(-loss);
  let sum = Math.exp(term);
  for (let lost = 1; lost <= m; lost++) {
    term += Math.log((n - lost + 1) / lost) + odds;
    sum += Math.exp(term);
  }
  return Math.min(1, sum);
}
