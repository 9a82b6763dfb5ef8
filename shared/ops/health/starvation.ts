/**
 * Notices tenants that starve: work of theirs waits in a stage and nothing of it moves, while work of others in the same
 * stage does (FAULTS 60). When nobody's moves, the stage is paused or something is down, and that is said elsewhere.
 */
import type { Clock } from '../../core/clock.js';
import { formatDuration } from '../../core/units.js';

/** In which stage objects of a state wait, and which stage they have just left behind. */
export interface StageOfState {
  waitsIn?: string;
  movedIn?: string;
}

export interface StarvationTools {
  clock: Clock;
  /** How long without anything moving is starving; asked every time. */
  limitMs: () => number;
  states: Readonly<Record<string, StageOfState>>;
  alarm: (code: 'TENANT_STARVED', words: string, about: string) => void;
  over: (code: 'TENANT_STARVED', about: string) => void;
}

interface Wait {
  tenant: string;
  stage: string;
  /** When it began to wait, or something of it moved last; monotonic. */
  stillMs: number;
}

export class StarvationWatch {
  private readonly waits = new Map<string, Wait>();
  /** When anything moved in a stage, by stage and tenant; monotonic. */
  private readonly moves = new Map<string, Map<string, number>>();
  private readonly starving = new Set<string>();
  private bytes: Readonly<Record<string, number>> = {};

  constructor(private readonly tools: StarvationTools) {}

  /** Objects have reached another state. */
  objects(news: readonly { tenant: string; state: string }[]): void {
    for (const { tenant, state } of news) {
      const { movedIn, waitsIn } = this.tools.states[state] ?? {};
      if (movedIn) this.moved(tenant, movedIn);
      // Another one that waits is a sign of life of its own tenant, and no proof that the stage serves anybody.
      if (waitsIn) this.stillSince(tenant, waitsIn);
    }
  }

  /** Bytes made for each tenant so far in a stage that serves by bytes. */
  served(stage: string, bytes: Readonly<Record<string, number>>): void {
    for (const [tenant, count] of Object.entries(bytes)) if (count !== this.bytes[tenant]) this.moved(tenant, stage);
    this.bytes = { ...bytes };
  }

  /** To be called every second or so, with the states in which tenants have objects. */
  look(tallies: readonly { tenant: string; state: string }[]): void {
    this.noteWaiting(tallies);
    const nowMs = this.tools.clock.monotonicMs();
    const limitMs = this.tools.limitMs();
    const starving = new Map<string, Wait>();
    for (const wait of this.waits.values()) {
      if (nowMs - wait.stillMs >= limitMs && this.othersMoved(wait, nowMs - limitMs)) starving.set(wait.tenant, wait);
    }
    for (const tenant of [...this.starving]) {
      // Once raised it holds until its own work moves or is gone, whatever the others do.
      if (
        starving.has(tenant) ||
        [...this.waits.values()].some((wait) => wait.tenant === tenant && nowMs - wait.stillMs >= limitMs)
      )
        continue;
      this.starving.delete(tenant);
      this.tools.over('TENANT_STARVED', tenant);
    }
    for (const [tenant, { stage, stillMs }] of starving) {
      if (this.starving.has(tenant)) continue;
      this.starving.add(tenant);
      const since = new Date(this.tools.clock.wallMs() - (nowMs - stillMs)).toISOString();
      const words = `Work of ${tenant} has waited in stage ${stage} for ${formatDuration(nowMs - stillMs)} (since ${since}) without anything of it moving, while work of others went on.`;
      this.tools.alarm('TENANT_STARVED', words, tenant);
    }
  }

  private noteWaiting(tallies: readonly { tenant: string; state: string }[]): void {
    const now = new Set<string>();
    for (const { tenant, state } of tallies) {
      const stage = this.tools.states[state]?.waitsIn;
      if (!stage) continue;
      now.add(keyOf(tenant, stage));
      if (!this.waits.has(keyOf(tenant, stage))) this.stillSince(tenant, stage);
    }
    for (const key of this.waits.keys()) if (!now.has(key)) this.waits.delete(key);
  }

  private othersMoved({ tenant, stage, stillMs }: Wait, sinceMs: number): boolean {
    for (const [other, ms] of this.moves.get(stage) ?? [])
      if (other !== tenant && ms > stillMs && ms > sinceMs) return true;
    return false;
  }

  private moved(tenant: string, stage: string): void {
    const moves = this.moves.get(stage) ?? new Map<string, number>();
    this.moves.set(stage, moves);
    moves.set(tenant, this.tools.clock.monotonicMs());
    this.stillSince(tenant, stage);
  }

  private stillSince(tenant: string, stage: string): void {
    this.waits.set(keyOf(tenant, stage), { tenant, stage, stillMs: this.tools.clock.monotonicMs() });
  }
}

const keyOf = (tenant: string, stage: string): string => `${stage} ${tenant}`;
