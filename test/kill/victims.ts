/** The processes of one side that may be killed: its command, everything below it, and its private queue store. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { isAlive, parseIdentity } from '../../shared/ops/queues/process.js';
import { readJson } from '../support/cli.js';

export interface Victim {
  readonly name: string;
  /** More than one: all of them at the same moment, as when the machine loses its power. */
  readonly pids: readonly number[];
}

/**
 * @param command the process of `sluice low` or `sluice high`
 * @param stateDir of that side; a store that outlived its supervisor is found there
 */
export function victimsOf(command: number, stateDir: string): Victim[] {
  const children = childrenByParent();
  const family = [command];
  for (const pid of family) family.push(...(children.get(pid) ?? []));
  const store = parseIdentity((readJson(join(stateDir, 'queues', 'redis.json')) as { process?: unknown })?.process);
  if (store && isAlive(store) && !family.includes(store.pid)) family.push(store.pid);
  const each = family.map((pid) => ({ name: pid === command ? 'command' : nameOf(pid), pids: [pid] }));
  return [...each.filter(({ name }) => name !== ''), { name: 'everything', pids: family }];
}

function childrenByParent(): Map<number, number[]> {
  const found = new Map<number, number[]>();
  for (const name of fs.readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const stat = read(`/proc/${pid}/stat`);
    // The program's name stands in parentheses and may itself hold spaces; the parent comes second after it.
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    if (Number.isInteger(parent)) found.set(parent, [...(found.get(parent) ?? []), pid]);
  }
  return found;
}

/** "ingress/send" for a process of ours, the program's name for another; empty once it has ended. */
function nameOf(pid: number): string {
  const words = read(`/proc/${pid}/cmdline`).split('\0');
  const module = words.find((word) => word.endsWith('.js'));
  if (module === undefined) return (words[0] ?? '').split(' ')[0]!.split('/').at(-1)!;
  return module
    .split('/dist/')
    .at(-1)!
    .replace(/(\/process|\/main)?\.js$/, '');
}

function read(path: string): string {
  try {
    return fs.readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
