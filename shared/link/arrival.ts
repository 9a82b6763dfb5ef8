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

/**
 * Probability that of n datagrams more than m are lost: the upper tail, exact to some twelve digits however small it
 * is. One minus the lower tail would end at 1e-16.
 */
export function moreThanLost(n: number, m: number, loss: number): number {
  if (m < 0) return 1;
  if (loss <= 0 || m >= n) return 0;
  if (loss >= 1) return 1;
  // Below the mean the lower tail is the small one.
  if (m + 1 < n * loss) return 1 - atMostLost(n, m, loss);
  const odds = loss / (1 - loss);
  const logFirst = logChoose(n, m + 1) + (m + 1) * Math.log(loss) + (n - m - 1) * Math.log1p(-loss);
  // Terms relative to the first: from the mean on they only fall.
  let term = 1;
  let sum = 1;
  for (let lost = m + 2; lost <= n && term > sum * 1e-17; lost++) {
    term *= ((n - lost + 1) / lost) * odds;
    sum += term;
  }
  return Math.min(1, Math.exp(logFirst) * sum);
}

/** log of n over m; sums of logarithms are kept up to the most points a code has. */
const logChoose = (n: number, m: number): number => logFactorial(n) - logFactorial(m) - logFactorial(n - m);

const logFactorials = [0];
function logFactorial(n: number): number {
  for (let i = logFactorials.length; i <= n; i++) logFactorials.push(logFactorials[i - 1]! + Math.log(i));
  return logFactorials[n]!;
}
