/** Measured cells on disk, a JSON line each: the latest of every cell. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Group } from './plan.js';

/** A cell that was measured; beside what is named here it holds all figures and parameters. */
export interface Result {
  cell: string;
  group: Group;
  machine: string;
  cores: number;
  kernel: string;
  node: string;
  commit: string;
  loadBefore: number;
  /** Wall clock, ISO. */
  measuredAt: string;
  /** Runs of which files arrived identical, and all of them. */
  delivered: number;
  runs: number;
  /** Figures of every run, by name. */
  each: Record<string, unknown>[];
  [figure: string]: unknown;
}

const FILE = 'matrix.ndjson';

export class Results {
  private readonly byCell = new Map<string, Result>();
  private readonly file: string;

  constructor(readonly folder: string) {
    this.file = join(folder, FILE);
    if (!existsSync(this.file)) return;
    for (const line of readFileSync(this.file, 'utf8').split('\n')) {
      if (line === '') continue;
      const result = JSON.parse(line) as Result;
      this.byCell.set(result.cell, result);
    }
  }

  get(cell: string): Result | undefined {
    return this.byCell.get(cell);
  }

  all(): Result[] {
    return [...this.byCell.values()];
  }

  /** Takes the place of what was measured for this cell before; on disk when this returns. */
  put(result: Result): void {
    this.byCell.set(result.cell, result);
    mkdirSync(this.folder, { recursive: true });
    const lines = this.all().map((one) => `${JSON.stringify(one)}\n`);
    writeFileSync(`${this.file}.new`, lines.join(''));
    renameSync(`${this.file}.new`, this.file);
  }
}
