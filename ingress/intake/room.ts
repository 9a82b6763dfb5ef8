/**
 * How many bytes intake may still take. The supervisor says so now and then, counting what its ledger knows; what was
 * taken since, and what is not recorded yet, comes off here. Without a word there is no bound but the disk's.
 */
export class Room {
  private bytesLeft = Number.POSITIVE_INFINITY;
  /** Taken, or being taken, and not in the ledger: no word of the supervisor counts it yet. */
  private unrecordedBytes = 0;

  /** A new word. */
  grant(roomBytes: number): void {
    this.bytesLeft = roomBytes - this.unrecordedBytes;
  }

  get leftBytes(): number {
    return Math.max(0, this.bytesLeft);
  }

  fits(sizeBytes: number): boolean {
    return sizeBytes <= this.leftBytes;
  }

  take(sizeBytes: number): void {
    this.bytesLeft -= sizeBytes;
    this.unrecordedBytes += sizeBytes;
  }

  /** It was not taken after all. */
  giveBack(sizeBytes: number): void {
    this.bytesLeft += sizeBytes;
    this.unrecordedBytes -= sizeBytes;
  }

  /** From the next word on the supervisor counts it. */
  recorded(sizeBytes: number): void {
    this.unrecordedBytes -= sizeBytes;
  }
}
