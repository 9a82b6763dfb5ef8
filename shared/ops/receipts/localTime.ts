/** Days and times as the people of one place write them. The zone is that of the machine unless it is given. */
export class LocalTime {
  private readonly parts: Intl.DateTimeFormat;

  constructor(readonly zone: string = Intl.DateTimeFormat().resolvedOptions().timeZone) {
    this.parts = new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    });
  }

  /** YYYY-MM-DD. */
  day(ms: number): string {
    const { year, month, day } = this.fields(ms);
    return `${year}-${month}-${day}`;
  }

  /** YYYY-MM-DD HH:MM:SS without the zone. */
  text(ms: number): { day: string; clock: string; offset: string } {
    const { year, month, day, hour, minute, second } = this.fields(ms);
    return { day: `${year}-${month}-${day}`, clock: `${hour}:${minute}:${second}`, offset: this.offset(ms) };
  }

  /** Where a day begins: the first moment that belongs to it. Days may have 23 or 25 hours. */
  dayStartMs(day: string): number {
    const noonMs = Date.parse(`${day}T12:00:00Z`);
    let low = noonMs - 36 * HOUR_MS;
    let high = noonMs + 24 * HOUR_MS;
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.day(middle) < day) low = middle;
      else high = middle;
    }
    return high;
  }

  /** The day so many days later. */
  dayAfter(day: string, days = 1): string {
    return new Date(Date.parse(`${day}T12:00:00Z`) + days * 24 * HOUR_MS).toISOString().slice(0, 10);
  }

  /** "UTC+01:00" */
  private offset(ms: number): string {
    const { year, month, day, hour, minute, second } = this.fields(ms);
    const there = Date.UTC(+year, +month - 1, +day, +hour, +minute, +second);
    const minutes = Math.round((there - Math.floor(ms / 1000) * 1000) / 60_000);
    const two = (n: number) => String(n).padStart(2, '0');
    const size = Math.abs(minutes);
    return `UTC${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
  }

  /** Receipts of a storm tell of the same few seconds, and asking the calendar is what costs most of a receipt. */
  private readonly known = new Map<number, Fields>();

  private fields(ms: number): Fields {
    const second = Math.floor(ms / 1000);
    const known = this.known.get(second);
    if (known) return known;
    const parts: Partial<Record<string, string>> = {};
    for (const { type, value } of this.parts.formatToParts(second * 1000)) parts[type] = value;
    const fields = { ...(parts as Fields), year: parts.year!.padStart(4, '0') };
    if (this.known.size >= SECONDS_KEPT) this.known.clear();
    this.known.set(second, fields);
    return fields;
  }
}

const SECONDS_KEPT = 256;
type Fields = Record<'year' | 'month' | 'day' | 'hour' | 'minute' | 'second', string>;
const HOUR_MS = 3_600_000;
