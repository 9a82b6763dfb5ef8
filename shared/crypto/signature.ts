/**
 * Ed25519 over the pre-authentication encoding of DSSE (Dead Simple Signing Envelope, protocol version 1): the bytes
 * that are signed name the type of what they sign, so a heartbeat can never be taken for a manifest.
 *
 * Two independent implementations must agree before anything is believed: OpenSSL first, then tweetnacl on what OpenSSL
 * accepts. OpenSSL also refuses the malleable signatures (S not reduced) that tweetnacl lets through.
 */
import { type KeyObject, sign, verify } from 'node:crypto';
import nacl from 'tweetnacl';
import type { PublicKey } from './publicKey.js';

/** "DSSEv1 TYPE-LENGTH TYPE STATEMENT-LENGTH STATEMENT", lengths in decimal bytes. */
export function preAuthenticationEncoding(statementType: string, statement: Uint8Array): Buffer {
  const type = Buffer.from(statementType, 'utf8');
  return Buffer.concat([Buffer.from(`DSSEv1 ${type.length} `), type, Buffer.from(` ${statement.length} `), statement]);
}

export function signStatement(key: KeyObject, statementType: string, statement: Uint8Array): Uint8Array {
  return new Uint8Array(sign(null, preAuthenticationEncoding(statementType, statement), key));
}

/** Whether both implementations accept the signature. */
export function statementVerifies(
  key: PublicKey,
  statementType: string,
  statement: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (signature.length !== nacl.sign.signatureLength) return false;
  const message = preAuthenticationEncoding(statementType, statement);
  return verify(null, message, key.key, signature) && nacl.sign.detached.verify(message, signature, key.raw);
}
