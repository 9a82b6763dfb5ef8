/**
 * What the frame numbers of the current link session tell about loss. Nothing is decided by it: it is for people.
 * Numbers count modulo 2^32; a window of recent numbers keeps repeated frames from hiding lost ones.
 */
const WINDOW_FRAMES = 1 << 16;

export class SessionTracker {
  private session: number | undefined;
  private first = 0;
  private highest = 0;
  private received = 0;
  private readonly seen = new Uint8Array(WINDOW_FRAMES);

  /** Takes note of a frame whose tag held. */
  note(session: number, number: number): void {
    if (session !== this.session) {
      this.session = session;
      this.first = number;
      this.highest = number;
      this.received = 1;
      this.seen.fill(0);
      this.seen[number % WINDOW_FRAMES] = 1;
      return;
    }
    // Serial number arithmetic (RFC 1982): the difference as a signed 32-bit number.
    const ahead = (number - this.highest) | 0;
    if (ahead > 0) {
      for (let n = 1; n < Math.min(ahead, WINDOW_FRAMES); n++) this.seen[(this.highest + n) % WINDOW_FRAMES] = 0;
      this.highest = number;
      this.seen[number % WINDOW_FRAMES] = 1;
      this.received++;
    } else if (-ahead < WINDOW_FRAMES && !this.seen[number % WINDOW_FRAMES]) {
      this.seen[number % WINDOW_FRAMES] = 1;
      this.received++;
      if (((number - this.first) | 0) < 0) this.first = number;
    }
  }

  /** Frames the session has had so far, from the first to the highest number that came. */
  get expected(): number {
    return this.session === undefined ? 0 : ((this.highest - this.first) >>> 0) + 1;
  }

  get lost(): number {
    return Math.max(0, this.expected - this.received);
  }
}
