/** An Ed25519 public key in the forms the gateway needs. */
import { createHash, createPublicKey, type KeyObject } from 'node:crypto';

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

/** @param key an Ed25519 key, public or private. */
export function publicKeyOf(key: KeyObject): PublicKey {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  // An Ed25519 SPKI is a fixed prefix and then the key (RFC 8410, section 4).
  const raw = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }).subarray(-RAW_KEY_BYTES));
  const keyId = new Uint8Array(createHash('sha256').update(raw).digest().subarray(0, KEY_ID_BYTES));
  return { key: publicKey, raw, keyId };
}
