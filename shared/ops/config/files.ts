/**
 * Configuration files as bytes: bounded, and only from files that nobody else on the machine can change, for what they
 * say decides what leaves the building. Nothing of a text appears in an error, because it may hold a password.
 */
import { closeSync, constants, fstatSync, opendirSync, openSync, readSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { SluiceError, wordsOf } from '../../core/errors.js';
import { LIMITS } from '../../core/limits.js';

const OTHERS_WRITE = 0o002;
const OTHERS_READ = 0o004;
const buffer = Buffer.alloc(64 * 1024);

/**
 * Text of a configuration file of bounded size. CONFIG_UNREADABLE when it cannot be had, CONFIG_EXPOSED when anybody on
 * this machine may change it.
 */
export function readConfigText(path: string, maxBytes: number = LIMITS.configMaxBytes): string {
  let file: number;
  try {
    // Without O_NONBLOCK a pipe in the place of the file would hold the start up for ever.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw unreadable(path, codeText(error));
  }
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) throw unreadable(path, 'it is not a file');
    if ((stat.mode & OTHERS_WRITE) !== 0) throw exposed(path);
    const parts: Buffer[] = [];
    let length = 0;
    for (let got = -1; got !== 0 && length <= maxBytes; length += got) {
      got = readSync(file, buffer, 0, Math.min(buffer.length, maxBytes + 1 - length), null);
      parts.push(Buffer.from(buffer.subarray(0, got)));
    }
    // It may have held a password.
    buffer.fill(0);
    if (length > maxBytes) throw unreadable(path, `it is larger than ${maxBytes} bytes`);
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(parts));
  } catch (error) {
    if (error instanceof SluiceError) throw error;
    throw unreadable(path, error instanceof TypeError ? 'it is not UTF-8 text' : wordsOf(error));
  } finally {
    closeSync(file);
  }
}

/**
 * Names that end in `.yaml` or `.yml` in a folder, sorted; hidden ones (an editor's, a deployment's) are not looked at.
 * CONFIG_UNREADABLE, CONFIG_EXPOSED as for a file.
 */
export function yamlFilesIn(folder: string): string[] {
  try {
    if ((statSync(folder).mode & OTHERS_WRITE) !== 0) throw exposed(folder);
    const names: string[] = [];
    const entries = opendirSync(folder);
    try {
      let met = 0;
      for (let entry = entries.readSync(); entry !== null; entry = entries.readSync()) {
        if (++met > LIMITS.tenantsDirMaxEntries) {
          throw unreadable(folder, `it holds more than ${LIMITS.tenantsDirMaxEntries} entries`);
        }
        if (/^[^.].*\.ya?ml$/s.test(entry.name)) names.push(entry.name);
      }
    } finally {
      entries.closeSync();
    }
    return names.sort();
  } catch (error) {
    throw error instanceof SluiceError ? error : unreadable(folder, codeText(error));
  }
}

/**
 * The file a name in a folder leads to. A link may lead to a file in the same folder or below it (deployments do that);
 * one that leads elsewhere is CONFIG_EXPOSED: whoever may write there would decide.
 */
export function fileWithin(folder: string, name: string): string {
  const path = join(folder, name);
  try {
    const real = realpathSync.native(path);
    if (real.startsWith(realpathSync.native(folder) + sep)) return real;
  } catch (error) {
    throw unreadable(path, codeText(error));
  }
  throw new SluiceError('CONFIG_EXPOSED', `${path}: it is a link that leads out of ${dirname(path)}.`);
}

/** Whether anybody on this machine may read the file. */
export function isWorldReadable(path: string): boolean {
  return ((statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & OTHERS_READ) !== 0;
}

const unreadable = (path: string, why: string) => new SluiceError('CONFIG_UNREADABLE', `${path}: ${why}`);
const exposed = (path: string) =>
  new SluiceError('CONFIG_EXPOSED', `${path}: anybody on this machine can change it; take that away with chmod o-w.`);
const codeText = (error: unknown): string => String((error as NodeJS.ErrnoException).code ?? 'it cannot be read');
