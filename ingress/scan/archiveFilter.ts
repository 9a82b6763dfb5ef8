/**
 * Looks into ZIP archives (and what is made like one: office documents, jar, epub): counts entries and what they really
 * inflate to, and records what is encrypted, damaged, nested or oddly named. It does not yet compare the two sets of
 * headers nor open nested archives; other containers are recorded as not inspected.
 */
import { checkPath } from '../../shared/wire/names.js';
import type { Filter } from './filter.js';
import { Findings } from './findings.js';
import type { Policy } from './rules.js';
import type { Subject } from './subject.js';
import { Damaged, DEFLATED, STORED, TooMuch, type ZipEntry, ZipReader } from './zipReader.js';

export const archiveFilter: Filter = {
  name: 'archive',
  version: '1',
  configuration: ({ archive, refuse }) => ({ archive, refuse }),

  async inspect(subject, context) {
    const findings = new Findings('archive', context.policy);
    if (isZip(subject.head)) await inspectZip(subject, context.policy, findings);
    else if (CONTAINERS.has(context.type)) findings.add('SCAN_NOT_INSPECTED', '', `It is ${context.type}.`);
    return findings.finish();
  },
};

// --- parts -----------------------------------------------------------------------------------------------------------

/** Containers that nobody here opens. */
const CONTAINERS = new Set([
  'application/gzip',
  'application/vnd.ms-cab-compressed',
  'application/x-7z-compressed',
  'application/x-ace-compressed',
  'application/x-apple-diskimage',
  'application/x-arj',
  'application/x-bzip2',
  'application/x-compress',
  'application/x-cpio',
  'application/x-deb',
  'application/x-lz4',
  'application/x-lzh-compressed',
  'application/x-lzip',
  'application/x-rar-compressed',
  'application/x-rpm',
  'application/x-tar',
  'application/x-unix-archive',
  'application/x-xz',
  'application/zstd',
]);

/** An entry first, a lone end record (empty archive), or the mark of one that was split. */
const ZIP_STARTS = ['PK\x03\x04', 'PK\x05\x06', 'PK\x07\x08'];
const isZip = (head: Buffer): boolean => ZIP_STARTS.includes(head.subarray(0, 4).toString('latin1'));

/** Beginnings of what an entry may be when it is an archive itself. */
const NESTED_STARTS: readonly (readonly [at: number, bytes: string, what: string])[] = [
  ...ZIP_STARTS.map((bytes) => [0, bytes, 'ZIP'] as const),
  [0, '\x1f\x8b', 'gzip'],
  [0, '7z\xbc\xaf\x27\x1c', '7z'],
  [0, 'Rar!\x1a\x07', 'RAR'],
  [0, 'BZh', 'bzip2'],
  [0, '\xfd7zXZ\x00', 'xz'],
  [0, '\x28\xb5\x2f\xfd', 'zstd'],
  [257, 'ustar', 'tar'],
];
const SNIFF_BYTES = 262;

const UNIX = 3;
const FILE_KIND_MASK = 0o170000;
const REGULAR_KIND = 0o100000;
const FOLDER_KIND = 0o040000;

async function inspectZip(subject: Subject, policy: Policy, findings: Findings): Promise<void> {
  const { maxEntries, inflatedFloor, maxRatio, maxInflated } = policy.archive;
  const allowedBytes = Math.min(maxInflated, Math.max(inflatedFloor, maxRatio * subject.size));
  let inflatedBytes = 0;
  const count = (bytes: number) => {
    inflatedBytes += bytes;
    if (inflatedBytes > allowedBytes) throw new TooMuch(`more than ${allowedBytes} bytes`);
  };
  try {
    const zip = await ZipReader.open(subject, maxEntries);
    for (const entry of zip.entries) await inspectEntry(zip, entry, findings, count);
  } catch (error) {
    if (error instanceof TooMuch) findings.add('SCAN_ARCHIVE_LIMIT', '', `It holds ${error.message}.`);
    else if (error instanceof Damaged) findings.add('SCAN_ARCHIVE_DAMAGED', '', `Reading it: ${error.message}.`);
    else throw error;
  }
}

async function inspectEntry(
  zip: ZipReader,
  entry: ZipEntry,
  findings: Findings,
  count: (bytes: number) => void,
): Promise<void> {
  const { name } = entry;
  const path = checkPath(Buffer.from(entry.isDirectory ? name.slice(0, -1) : name), 'posix');
  if (!path.ok) findings.add('SCAN_ARCHIVE_NAME', name, path.detail);
  const kind = entry.verMade >> 8 === UNIX ? (entry.attr >>> 16) & FILE_KIND_MASK : 0;
  if (kind !== 0 && kind !== REGULAR_KIND && kind !== FOLDER_KIND) {
    findings.add('SCAN_ARCHIVE_LINK', name, `Its kind is 0o${kind.toString(8)}.`);
  }
  if (entry.isDirectory) return;
  if (entry.encrypted) return findings.add('SCAN_ARCHIVE_ENCRYPTED', name, 'It was not read.');
  if (entry.method !== STORED && entry.method !== DEFLATED) {
    return findings.add('SCAN_ARCHIVE_METHOD', name, `Its method is ${entry.method}.`);
  }
  let start = Buffer.alloc(0);
  try {
    await zip.read(entry, (bytes) => {
      count(bytes.length);
      if (start.length < SNIFF_BYTES) start = Buffer.concat([start, bytes.subarray(0, SNIFF_BYTES)]);
    });
  } catch (error) {
    if (!(error instanceof Damaged)) throw error;
    // Only its own header may have told that it is encrypted.
    if (entry.encrypted) return findings.add('SCAN_ARCHIVE_ENCRYPTED', name, 'It was not read.');
    findings.add('SCAN_ARCHIVE_DAMAGED', name, `Reading it: ${error.message}.`);
  }
  const text = start.toString('latin1');
  const nested = NESTED_STARTS.find(([at, bytes]) => text.startsWith(bytes, at));
  if (nested) findings.add('SCAN_ARCHIVE_NESTED', name, `It looks like ${nested[2]}.`);
}
