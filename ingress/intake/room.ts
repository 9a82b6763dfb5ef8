/**
 * How much intake may still take: of the spool, or of one tenant's quota. The supervisor says so now and then, counting
 * what its ledger knows; what was taken since, and what is not recorded yet, comes off here. Without a word there is no
 * bound but the disk's.
 */
export interface Amount {
  readonly bytes: number;
  readonly objects: number;
}

export class Room {
  private left: Amount = { bytes: Number.POSITIVE_INFINITY, objects: Number.POSITIVE_INFINITY };
  /** Taken, or being taken, and not in the ledger: no word of the supervisor counts it yet. */
  private unrecorded: Amount = { bytes: 0, objects: 0 };

  /** A new word. */
  grant(bytes: number, objects = Number.POSITIVE_INFINITY): void {
    this.left = minus({ bytes, objects }, this.unrecorded);
  }

  get leftBytes(): number {
    return Math.max(0, this.left.bytes);
  }

  fits(bytes: number, objects = 1): boolean {
    return bytes <= this.leftBytes && objects <= Math.max(0, this.left.objects);
  }

  take(bytes: number, objects = 1): void {
    this.left = minus(this.left, { bytes, objects });
    this.unrecorded = minus(this.unrecorded, { bytes: -bytes, objects: -objects });
  }

  /** It was not taken after all. */
  giveBack(bytes: number, objects = 1): void {
    this.take(-bytes, -objects);
  }

  /** From the next word on the supervisor counts it. */
  recorded(bytes: number, objects = 1): void {
    this.unrecorded = minus(this.unrecorded, { bytes, objects });
  }
}

function minus(a: Amount, b: Amount): Amount {
  return { bytes: a.bytes - b.bytes, objects: a.objects - b.objects };
}
