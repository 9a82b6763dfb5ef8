/** The objects of an input folder: every entry that is not a folder, found before anything is started. */
import { lstatSync, readdirSync } from 'node:fs';
import { showName } from '../../wire/names.js';

export interface InputObject {
  /** Path relative to the folder: its bytes as latin1 text, for names need not be UTF-8. */
  rawPath: string;
  /** Safe to show. */
  path: string;
  sizeBytes: number;
}

/** Sorted by path, so that reports of two runs can be compared. Throws what the system says when a folder is unreadable. */
export function listInputs(folder: string): InputObject[] {
  const found: InputObject[] = [];
  const pending: Buffer[] = [Buffer.alloc(0)];
  const root = Buffer.from(`${folder}/`);
  for (let relative = pending.pop(); relative; relative = pending.pop()) {
    for (const name of readdirSync(Buffer.concat([root, relative]), { encoding: 'buffer' })) {
      const path = relative.length > 0 ? Buffer.concat([relative, Buffer.from('/'), name]) : name;
      const stat = lstatSync(Buffer.concat([root, path]));
      if (stat.isDirectory()) pending.push(path);
      else
        found.push({
          rawPath: path.toString('latin1'),
          path: showName(path),
          sizeBytes: stat.isFile() ? stat.size : 0,
        });
    }
  }
  return found.sort((a, b) => (a.rawPath < b.rawPath ? -1 : 1));
}
