/** Trees of files to send, and what lies in a tree, by the bytes of its paths: names need not be UTF-8. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { Prng } from '../../shared/core/prng.js';

export interface TreeFile {
  sizeBytes: number;
  sha256: string;
  mtimeNs: bigint;
}

/** Every entry that is not a folder: path (latin1 text of its bytes) -> file, or the kind of what it is instead. */
export function readTree(root: string): Map<string, TreeFile | string> {
  const found = new Map<string, TreeFile | string>();
  const walk = (below: Buffer) => {
    for (const name of fs.readdirSync(full(root, below), { encoding: 'buffer' })) {
      const path = below.length > 0 ? Buffer.concat([below, Buffer.from('/'), name]) : name;
      const stat = fs.lstatSync(full(root, path), { bigint: true });
      const key = path.toString('latin1');
      if (stat.isDirectory()) walk(path);
      else if (!stat.isFile()) found.set(key, stat.isSymbolicLink() ? 'link' : 'special');
      else {
        const bytes = fs.readFileSync(full(root, path));
        const sha256 = createHash('sha256').update(bytes).digest('hex');
        found.set(key, { sizeBytes: bytes.length, sha256, mtimeNs: stat.mtimeNs });
      }
    }
  };
  if (fs.existsSync(root)) walk(Buffer.alloc(0));
  return found;
}

export const full = (root: string, path: Buffer | string): Buffer =>
  Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path)]);

/** Writes a file and the folders above it. */
export function put(root: string, path: Buffer | string, content: string | Uint8Array = 'content\n'): void {
  const bytes = Buffer.from(path);
  const slash = bytes.lastIndexOf('/');
  if (slash > 0) fs.mkdirSync(full(root, bytes.subarray(0, slash)), { recursive: true });
  fs.writeFileSync(full(root, bytes), content);
}

export const randomBytes = (seed: number, length: number): Uint8Array => new Prng(seed).fill(new Uint8Array(length));

/**
 * Small real files under names that trip programs up, all of them to be carried under `names: posix`.
 * @returns how many
 */
export function putOddNames(root: string): number {
  const names = [
    'plain.txt',
    ' leading and trailing ',
    '-rf',
    '--help',
    '.hidden',
    '.part',
    'upload.part',
    'upload.part.part',
    '..double',
    '...',
    'trailing dot.',
    'CON',
    'nul.txt',
    'a:b*c?"<>|',
    "it's $HOME `id` $(id) %s %n ;rm",
    '~',
    '#hash#',
    '{"json":true}',
    '[x]&amp;<b>',
    'größe/Übergabe — remise.md',
    '日本語/文書.txt',
    'עברית.txt',
    '😀/👩‍👩‍👧.png',
    'نامه‌ها.txt',
    'e\u0301-decomposed',
    'Case.txt',
    'case.txt',
    `${'ü'.repeat(127)}x`,
    `${'d'.repeat(255)}/${'f'.repeat(255)}`,
    `${'deep/'.repeat(62)}bottom`,
    'run.json',
    'lock.json',
    'out.suspect',
    'data (2)',
    'data',
  ];
  names.forEach((name, i) => {
    put(root, name, randomBytes(i + 1, [3, 700, 1408, 1409, 40_000, 300_001][i % 6]!));
  });
  const empty = ['empty', 'empty folder of one/empty too', '.empty'];
  for (const name of empty) put(root, name, '');
  put(root, 'sluice frame', Buffer.concat([Buffer.from([0x0d]), randomBytes(99, 1_471)]));
  return names.length + empty.length + 1;
}

/** Times a clock, a second's fraction or a sign could spoil: path -> seconds since 1970. */
export const ODD_TIMES: Record<string, number> = {
  'times/epoch': 0,
  'times/before 1970': -86_400.5,
  'times/1905': -2_051_222_400,
  'times/fraction': 1_700_000_000.123456,
  'times/after 2038': 2_500_000_000,
};

export function putOddTimes(root: string): number {
  for (const [path, seconds] of Object.entries(ODD_TIMES)) {
    put(root, path, `changed ${seconds}`);
    fs.utimesSync(full(root, path), seconds, seconds);
  }
  return Object.keys(ODD_TIMES).length;
}

/**
 * Entries that end refused whatever the policy: links, pipes, hard links, names that cannot be represented.
 * @returns how many
 */
export function putRefused(root: string): number {
  put(root, 'two names', 'one file');
  fs.linkSync(full(root, 'two names'), full(root, 'the other name'));
  fs.symlinkSync('plain.txt', full(root, 'link'));
  fs.symlinkSync('/etc/passwd', full(root, 'link out'));
  fs.symlinkSync('nowhere', full(root, 'dangling'));
  fs.mkdirSync(full(root, 'real folder'), { recursive: true });
  fs.symlinkSync('real folder', full(root, 'link to a folder'));
  execFileSync('mkfifo', [full(root, 'pipe').toString()]);
  const names = [
    Buffer.from('line\nbreak'),
    Buffer.from('carriage\rreturn'),
    Buffer.from('escape\x1b[31mred'),
    Buffer.from('delete\x7f'),
    Buffer.from('back\\slash'),
    Buffer.from('right\u202eto left'),
    Buffer.from('zero\u200bwidth'),
    Buffer.from([0x66, 0xff, 0xfe]),
    Buffer.from([0xc3]),
    Buffer.from([0xed, 0xa0, 0x80]),
    Buffer.concat([Buffer.from('folder'), Buffer.from([0x80]), Buffer.from('/file')]),
    Buffer.from(`${'deep/'.repeat(64)}too deep`),
  ];
  for (const name of names) put(root, name);
  return 2 + 4 + 1 + names.length;
}
