/** The rate of a counter over the last seconds. */
const SPAN_MS = 5_000;

export class Meter {
  private readonly samples: { total: number; atMs: number }[] = [];

  /**
   * @param total so far; one that falls has begun anew
   * @returns units a second
   */
  note(total: number, atMs: number): number {
    const { samples } = this;
    if (samples.length > 0 && total < samples.at(-1)!.total) samples.length = 0;
    samples.push({ total, atMs });
    // One sample older than the span stays, so that the rate covers all of it.
    while (samples.length > 2 && samples[1]!.atMs <= atMs - SPAN_MS) samples.shift();
    const first = samples[0]!;
    return atMs > first.atMs ? ((total - first.total) * 1000) / (atMs - first.atMs) : 0;
  }
}
