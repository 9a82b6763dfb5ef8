/**
 * Says that something waits because a storage (or the spool on the way to it) cannot be written: once for each tenant and
 * reason, until nothing waits for it any more.
 */
import { type ErrorCode, SluiceError } from '../../shared/core/errors.js';
import { showName } from '../../shared/wire/names.js';
import type { ObjectId } from '../../shared/wire/statements.js';

export interface StorageTroubleTools {
  alarm: (code: string, words: string, about?: string) => void;
  over: (code: string, about: string) => void;
}

/** What a disk does. Whatever else holds up a release is told by whoever finds it. */
const OF_DISKS: readonly ErrorCode[] = ['STORAGE_FULL', 'RELEASE_IO', 'SPOOL_IO'];

export const isDiskTrouble = (error: unknown): error is SluiceError =>
  error instanceof SluiceError && OF_DISKS.includes(error.code);

export class StorageTroubles {
  /** Payloads that wait, by what is said about them. */
  private readonly waiting = new Map<string, { code: ErrorCode; about: string; payloads: Set<ObjectId> }>();

  constructor(private readonly tools: StorageTroubleTools) {}

  waits(payload: ObjectId, tenant: string, { code, detail }: SluiceError): void {
    this.goesOn(payload, code);
    const about = `releases of ${showName(tenant)}`;
    const key = `${code} ${about}`;
    const known = this.waiting.get(key) ?? { code, about, payloads: new Set() };
    this.waiting.set(key, known);
    if (known.payloads.size === 0)
      this.tools.alarm(code, `What is to be released to ${showName(tenant)} waits: ${detail}`, about);
    known.payloads.add(payload);
  }

  /** It waits no longer; or, with a code, for nothing but that. */
  goesOn(payload: ObjectId, except?: ErrorCode): void {
    for (const [key, { code, about, payloads }] of this.waiting) {
      if (code === except || !payloads.delete(payload) || payloads.size > 0) continue;
      this.waiting.delete(key);
      this.tools.over(code, about);
    }
  }
}
