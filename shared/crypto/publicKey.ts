/** An Ed25519 public key in the forms the gateway needs. */
import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { toHex } from '../core/bytes.js';
import { SluiceError } from '../core/errors.js';

/** Bytes of a key id: enough to tell trusted keys apart, never trusted by itself. */
export const KEY_ID_BYTES = 8;
const RAW_KEY_BYTES = 32;

export interface PublicKey {
  readonly key: KeyObject;
  /** The 32 bytes of RFC 8032, section 5.1.5. */
  readonly raw: Uint8Array;
  /** First 8 bytes of the SHA-256 of `raw`. */
  readonly keyId: Uint8Array;
}

/**
 * @param key an Ed25519 key, public or private.
 * @throws SluiceError KEY_UNREADABLE for a key of another kind, and for one of small order
 */
export function publicKeyOf(key: KeyObject): PublicKey {
  if (key.asymmetricKeyType !== 'ed25519') throw new SluiceError('KEY_UNREADABLE', 'It is not an Ed25519 key.');
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  // An Ed25519 SPKI is a fixed prefix and then the key (RFC 8410, section 4).
  const raw = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }).subarray(-RAW_KEY_BYTES));
  if (isSmallOrder(raw)) {
    throw new SluiceError('KEY_UNREADABLE', 'It is a point of small order: anybody can sign for such a key.');
  }
  const keyId = new Uint8Array(createHash('sha256').update(raw).digest().subarray(0, KEY_ID_BYTES));
  return { key: publicKey, raw, keyId };
}

/**
 * Encodings of the eight points whose order divides the cofactor, without their sign bit; p and p + 1 are 0 and 1
 * written differently. No key maker ever makes one, and both verifiers would take forged signatures for them.
 */
const SMALL_ORDER = new Set([
  `00${'00'.repeat(31)}`,
  `01${'00'.repeat(31)}`,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  `ec${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(30)}7f`,
]);

function isSmallOrder(raw: Uint8Array): boolean {
  const unsigned = Uint8Array.from(raw);
  unsigned[RAW_KEY_BYTES - 1]! &= 0x7f;
  return SMALL_ORDER.has(toHex(unsigned));
}
