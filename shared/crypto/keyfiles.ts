/**
 * Key files: making them, and reading them no more trustingly than a stranger's. A secret file must be a plain file of
 * this user (or root) that nobody else can read, else the gateway does not start; no error names anything of its content.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fromHex, toHex } from '../core/bytes.js';
import { SluiceError } from '../core/errors.js';
import { LIMITS } from '../core/limits.js';
import { type PublicKey, publicKeyOf } from './publicKey.js';

/** Names that generateKeys gives to the files. */
export const KEY_FILES = { signing: 'signing.key', public: 'signing.pub', link: 'link.key' } as const;
const LINK_KEY_BYTES = 16;

export interface GeneratedKeys {
  readonly signing: string;
  readonly public: string;
  readonly link: string;
  /** Key id of the new public key, in hexadecimal. */
  readonly keyId: string;
}

/** New keys in `dir` (made when missing): all three or none. KEY_EXISTS when any of the files is there already. */
export function generateKeys(dir: string): GeneratedKeys {
  const paths = {
    signing: join(dir, KEY_FILES.signing),
    public: join(dir, KEY_FILES.public),
    link: join(dir, KEY_FILES.link),
  };
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw unreadable(dir, `the folder cannot be made: ${codeText(error)}`);
  }
  for (const path of Object.values(paths)) if (isThere(path)) throw new SluiceError('KEY_EXISTS', path);
  const pair = generateKeyPairSync('ed25519');
  const written: string[] = [];
  const write = (path: string, mode: number, content: string | Buffer) => {
    writeNew(path, mode, content);
    written.push(path);
  };
  try {
    write(paths.signing, 0o600, pair.privateKey.export({ type: 'pkcs8', format: 'pem' }));
    write(paths.public, 0o644, pair.publicKey.export({ type: 'spki', format: 'pem' }));
    write(paths.link, 0o600, `${toHex(randomBytes(LINK_KEY_BYTES))}\n`);
  } catch (error) {
    // Half a set would be in the way of the next attempt. Only files made here are removed.
    for (const path of written) rmSync(path, { force: true });
    throw error;
  }
  return { ...paths, keyId: toHex(publicKeyOf(pair.publicKey).keyId) };
}

/** The Ed25519 private key in a PKCS #8 PEM file. KEY_EXPOSED, KEY_UNREADABLE. */
export function readSigningKey(path: string): KeyObject {
  const bytes = readSecret(path);
  try {
    const text = bytes.toString('latin1');
    if (!/^\s*-----BEGIN PRIVATE KEY-----/.test(text)) throw notAKey(path, 'an Ed25519 private key (PKCS #8, PEM)');
    const key = parsed(() => createPrivateKey(bytes));
    if (key?.asymmetricKeyType !== 'ed25519') throw notAKey(path, 'an Ed25519 private key (PKCS #8, PEM)');
    return key;
  } finally {
    bytes.fill(0);
  }
}

/** The 16 bytes of the link key: 32 hexadecimal digits and nothing else but a line end. KEY_EXPOSED, KEY_UNREADABLE. */
export function readLinkKey(path: string): Uint8Array {
  const bytes = readSecret(path);
  try {
    const digits = /^([0-9a-fA-F]{32})\r?\n?$/.exec(bytes.toString('latin1'))?.[1];
    const key = digits === undefined ? undefined : fromHex(digits.toLowerCase());
    if (key === undefined) throw notAKey(path, `${2 * LINK_KEY_BYTES} hexadecimal digits`);
    return key;
  } finally {
    bytes.fill(0);
  }
}

/** Whether a secret file may be used, without looking into it. KEY_EXPOSED, KEY_UNREADABLE. */
export function assertSecretFile(path: string): void {
  const file = open(path, constants.O_NOFOLLOW);
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) throw unreadable(path, 'it is not a file');
    checkSecret(path, stats);
  } finally {
    closeSync(file);
  }
}

/** The password in the only line of a file, for a queue store. KEY_EXPOSED, KEY_UNREADABLE. */
export function readPassword(path: string): string {
  const bytes = readSecret(path);
  try {
    const password = /^([^\x00-\x1f\x7f]+)\r?\n?$/.exec(bytes.toString('utf8'))?.[1];
    if (password === undefined) throw notAKey(path, 'one line with a password');
    return password;
  } finally {
    bytes.fill(0);
  }
}

/** The Ed25519 public key in an SPKI PEM file. KEY_UNREADABLE. */
export function readPublicKey(path: string): PublicKey {
  const file = open(path, 0);
  const bytes = readBounded(file, path, (stats) => {
    // Not secret, but whoever can write it can make the high side trust another low side.
    if ((stats.mode & 0o002) !== 0) throw unreadable(path, 'anybody on this machine can change it');
  });
  // OpenSSL would derive the public key from a private one: a private key does not belong among trusted keys.
  const isPublic = /^\s*-----BEGIN PUBLIC KEY-----/.test(bytes.toString('latin1'));
  const key = isPublic ? parsed(() => createPublicKey(bytes)) : undefined;
  if (key?.asymmetricKeyType !== 'ed25519') throw notAKey(path, 'an Ed25519 public key (SPKI, PEM)');
  return publicKeyOf(key);
}

/**
 * The public keys of a list of files, or of every `.pub` file in a folder; the same key twice counts once.
 * KEY_UNREADABLE when one of them is no key, when there is none, or when two share a key id.
 */
export function readTrustedKeys(folderOrList: string | readonly string[]): PublicKey[] {
  const paths = typeof folderOrList === 'string' ? publicFilesIn(folderOrList) : folderOrList;
  const where = typeof folderOrList === 'string' ? folderOrList : 'the list of trusted keys';
  if (paths.length === 0) throw unreadable(where, 'no public key files (.pub)');
  if (paths.length > LIMITS.trustedMaxKeys) throw unreadable(where, `more than ${LIMITS.trustedMaxKeys} keys`);
  const byId = new Map<string, PublicKey>();
  for (const path of paths) {
    const key = readPublicKey(path);
    const id = toHex(key.keyId);
    const twin = byId.get(id);
    if (twin !== undefined && toHex(twin.raw) !== toHex(key.raw))
      throw unreadable(path, `another key has the id ${id}`);
    byId.set(id, key);
  }
  return [...byId.values()];
}

function publicFilesIn(folder: string): string[] {
  try {
    if ((statSync(folder).mode & 0o002) !== 0) throw unreadable(folder, 'anybody on this machine can put keys here');
    const names = readdirSync(folder).filter((name) => name.endsWith('.pub'));
    return names.sort().map((name) => join(folder, name));
  } catch (error) {
    throw error instanceof SluiceError ? error : unreadable(folder, codeText(error));
  }
}

/** Content of a file that only this user may be able to read. */
function readSecret(path: string): Buffer {
  return readBounded(open(path, constants.O_NOFOLLOW), path, (stats) => checkSecret(path, stats));
}

/** A secret is of this user (or root) and of nobody else. */
function checkSecret(path: string, stats: Stats): void {
  const user = process.geteuid?.();
  if (user !== undefined && stats.uid !== user && stats.uid !== 0) {
    throw new SluiceError('KEY_EXPOSED', `${path} belongs to another user.`);
  }
  if ((stats.mode & 0o077) !== 0) {
    const mode = (stats.mode & 0o777).toString(8).padStart(4, '0');
    throw new SluiceError('KEY_EXPOSED', `${path} has mode ${mode}; allowed: 0600 or 0400.`);
  }
}

function open(path: string, flags: number): number {
  try {
    // Without O_NONBLOCK a pipe in the place of the file would hold the start up for ever.
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | flags);
  } catch (error) {
    // A link could be turned to another file between any check and its use.
    if ((error as NodeJS.ErrnoException).code === 'ELOOP') throw new SluiceError('KEY_EXPOSED', `${path} is a link.`);
    throw unreadable(path, codeText(error));
  }
}

/** Reads and closes an open file of bounded size; `check` sees the state of the very file that is read. */
function readBounded(file: number, path: string, check: (stats: Stats) => void): Buffer {
  const bytes = Buffer.alloc(LIMITS.keyFileMaxBytes + 1);
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) throw unreadable(path, 'it is not a file');
    check(stats);
    let length = 0;
    for (let got = -1; got !== 0 && length < bytes.length; length += got) {
      got = readSync(file, bytes, length, bytes.length - length, null);
    }
    if (length === bytes.length) throw unreadable(path, `it is larger than ${LIMITS.keyFileMaxBytes} bytes`);
    return bytes.subarray(0, length);
  } catch (error) {
    bytes.fill(0);
    throw error instanceof SluiceError ? error : unreadable(path, codeText(error));
  } finally {
    closeSync(file);
  }
}

function writeNew(path: string, mode: number, content: string | Buffer): void {
  let file: number;
  try {
    file = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, mode);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw new SluiceError('KEY_EXISTS', path);
    throw unreadable(path, `cannot be written: ${codeText(error)}`);
  }
  try {
    // The mode at creation is narrowed by the umask; the public file is meant to be readable.
    fchmodSync(file, mode);
    writeFileSync(file, content);
    fsyncSync(file);
  } catch (error) {
    rmSync(path, { force: true });
    throw unreadable(path, `cannot be written: ${codeText(error)}`);
  } finally {
    closeSync(file);
  }
}

/** A dangling link counts as well: O_EXCL would refuse it later. */
const isThere = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined;

/** What OpenSSL says about a file it cannot read is left out: it helps nobody and may quote. */
function parsed(parse: () => KeyObject): KeyObject | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}

const unreadable = (path: string, why: string) => new SluiceError('KEY_UNREADABLE', `${path}: ${why}`);
const notAKey = (path: string, wanted: string) => unreadable(path, `it does not hold ${wanted}`);
const codeText = (error: unknown): string => String((error as NodeJS.ErrnoException).code ?? 'it cannot be read');
