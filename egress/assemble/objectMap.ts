/** A map by object id given as two 32-bit halves: no text and no BigInt is made for each frame. */
export class ObjectMap<Value> {
  private readonly byHigh = new Map<number, Map<number, Value>>();
  size = 0;

  get(high: number, low: number): Value | undefined {
    return this.byHigh.get(high)?.get(low);
  }

  set(high: number, low: number, value: Value): void {
    let byLow = this.byHigh.get(high);
    if (!byLow) {
      byLow = new Map();
      this.byHigh.set(high, byLow);
    }
    if (!byLow.has(low)) this.size++;
    byLow.set(low, value);
  }

  delete(high: number, low: number): void {
    const byLow = this.byHigh.get(high);
    if (!byLow?.delete(low)) return;
    this.size--;
    if (byLow.size === 0) this.byHigh.delete(high);
  }

  *values(): Generator<Value> {
    for (const byLow of this.byHigh.values()) yield* byLow.values();
  }
}

/** Remembers the last `capacity` ids, oldest forgotten first. */
export class RecentObjects {
  /** Place in the order. */
  private readonly known = new ObjectMap<number>();
  private readonly order: ({ high: number; low: number } | undefined)[] = [];
  private next = 0;

  constructor(private readonly capacity: number) {}

  has(high: number, low: number): boolean {
    return this.known.get(high, low) !== undefined;
  }

  add(high: number, low: number): void {
    if (this.has(high, low)) return;
    const oldest = this.order[this.next];
    if (oldest) this.known.delete(oldest.high, oldest.low);
    this.order[this.next] = { high, low };
    this.known.set(high, low, this.next);
    this.next = (this.next + 1) % this.capacity;
  }

  delete(high: number, low: number): void {
    const place = this.known.get(high, low);
    if (place === undefined) return;
    // Or the place, when it is used again, would take away what was added a second time meanwhile.
    this.order[place] = undefined;
    this.known.delete(high, low);
  }
}
