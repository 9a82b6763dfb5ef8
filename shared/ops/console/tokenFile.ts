/** The token of a side's console: made once, kept in its state folder where only its owner can read it. */
import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const TOKEN_FILE = 'console.token';
const TOKEN = /^[\x21-\x7e]{32,200}$/;

/** @returns the token; `renewed` when the one that was there may be known to others, or is none */
export function readToken(stateDir: string): { token: string; renewed: boolean } {
  const path = join(stateDir, TOKEN_FILE);
  let found = false;
  try {
    const isPrivate = (statSync(path).mode & 0o077) === 0;
    const token = readFileSync(path, 'utf8').trim();
    if (isPrivate && TOKEN.test(token)) return { token, renewed: false };
    found = true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const token = randomBytes(32).toString('base64url');
  writeFileSync(`${path}.new`, `${token}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
  return { token, renewed: found };
}
