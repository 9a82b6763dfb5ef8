/**
 * What `sluice tenants check` answers: everything that is wrong, what is worth a thought, and in plain words what each
 * tenant may do. Each side's process fills it in; here it becomes text or JSON lines.
 */
import { accessSync, constants, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { SluiceError, wordsOf } from '../../core/errors.js';
import { Problems, sentenceOf } from './problems.js';

/** A tenant in plain words: what it is about, and what is the case. */
export interface TenantWords {
  readonly tenant: string;
  readonly words: readonly (readonly [about: string, words: string])[];
}

export class CheckReport {
  readonly problems: Problems;
  readonly #warnings: { about: string; words: string }[] = [];
  readonly #tenants: TenantWords[] = [];

  constructor(file: string) {
    this.problems = new Problems(file);
  }

  /** The answer, or undefined when it threw: then what it threw is a problem. */
  attempt<T>(work: () => T, file: string = this.problems.origin): T | undefined {
    const before = this.problems.list.length;
    try {
      return work();
    } catch (error) {
      const ours = error instanceof SluiceError ? error : new SluiceError('INTERNAL', wordsOf(error));
      // What was collected need not be said twice.
      if (this.problems.list.length === before) this.problems.of(file).cannotUse(ours);
      return undefined;
    }
  }

  /** @param about a tenant, or the key it is about */
  warn(about: string, words: string): void {
    this.#warnings.push({ about, words });
  }

  tenant(tenant: string, words: TenantWords['words']): void {
    this.#tenants.push({ tenant, words });
  }

  /** Writes all of it, and answers the exit code: 0, or 1 when there is any problem. */
  write(json: boolean, out: (line: string) => void, err: (line: string) => void): 0 | 1 {
    const problems = this.problems.list;
    if (json) {
      for (const problem of problems) out(JSON.stringify({ event: 'problem', ...problem }));
      for (const warning of this.#warnings) out(JSON.stringify({ event: 'warning', ...warning }));
      for (const { tenant, words } of this.#tenants) {
        out(JSON.stringify({ event: 'tenant', tenant, ...Object.fromEntries(words) }));
      }
      const counts = { problems: problems.length, warnings: this.#warnings.length, tenants: this.#tenants.length };
      out(JSON.stringify({ event: 'result', ...counts }));
    } else {
      for (const problem of problems) err(sentenceOf(problem));
      for (const { tenant, words } of this.#tenants) {
        out(tenant);
        for (const [about, said] of words) out(`  ${about.padEnd(9)} ${said}`);
      }
      for (const { about, words } of this.#warnings) out(`warning: ${about}: ${words}`);
      out(sumUp(problems.length, this.#warnings.length, this.#tenants.length));
    }
    return problems.length === 0 ? 0 : 1;
  }
}

function sumUp(problems: number, warnings: number, tenants: number): string {
  if (problems > 0) return `${counted(problems, 'problem')}: this configuration would be refused.`;
  return `${counted(tenants, 'tenant')}, ${counted(warnings, 'warning')}.`;
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

// ------------------------------------------------------------ folders

/** Why the gateway could not use a folder in this way, in words; undefined when it can, or can make it. */
export function folderTrouble(path: string, wanted: 'read' | 'write'): string | undefined {
  const stat = statOf(path);
  if (stat === undefined) {
    const above = statOf(dirname(path));
    if (above === undefined) return `it is not there, nor is the folder above it`;
    return isUsable(dirname(path), 'write') ? undefined : `it is not there, and the gateway may not make it`;
  }
  if (!stat.isDirectory()) return 'it is not a folder';
  if (!isUsable(path, wanted)) return `the gateway may not ${wanted} in it`;
  return undefined;
}

/** Whether two folders, or what is there of them, are on one file system; undefined when that cannot be told. */
export function onOneFileSystem(one: string, other: string): boolean | undefined {
  const [a, b] = [nearest(one), nearest(other)];
  return a === undefined || b === undefined ? undefined : a === b;
}

/** Anybody on this machine may write into it, and no sticky bit protects what is there. */
export const isOpenToAll = (path: string): boolean => ((statOf(path)?.mode ?? 0) & 0o1002) === 0o002;

const statOf = (path: string) => {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
};

function isUsable(path: string, wanted: 'read' | 'write'): boolean {
  try {
    accessSync(path, constants.X_OK | constants.R_OK | (wanted === 'write' ? constants.W_OK : 0));
    return true;
  } catch {
    return false;
  }
}

function nearest(path: string): number | undefined {
  const stat = statOf(path);
  if (stat !== undefined) return stat.dev;
  return dirname(path) === path ? undefined : nearest(dirname(path));
}
