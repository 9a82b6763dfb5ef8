/** How datagrams pass between this process and the system. */
import { SluiceError, wordsOf } from '../core/errors.js';

/** `batched`: many to a call (Linux); `dgram`: one by one, everywhere. */
export type Transport = 'batched' | 'dgram';

/** What the configuration asks for; `auto` is the fastest that works. */
export type TransportWish = 'auto' | Transport;

/** What TRANSPORT_FALLBACK says, once: why it is not what was asked for. */
export function fallbackWords(error: unknown): string {
  const reason = error instanceof SluiceError ? error.detail : wordsOf(error);
  return `Datagrams pass one by one (dgram): ${reason}.`;
}
