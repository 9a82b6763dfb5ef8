/**
 * Which stages of a side are paused. The queue store knows, because an operator may pause a stage through it; the ledger
 * remembers, because the store may be flushed and a pause must not end by accident. After a restart a stage is paused
 * when either says so. While the side runs, the store decides, except when it has just come back empty: then what the
 * ledger remembers is said to it again.
 */
import { codeOf, wordsOf } from '../../core/errors.js';
import type { Stage } from '../queues/store.js';

export interface PauseMemory {
  pausedStages(): string[];
  rememberPaused(stages: string[]): void;
}

type WatchedStage = Pick<Stage<never>, 'name' | 'pause' | 'onPaused'>;

export interface PauseTools {
  memory: PauseMemory;
  /** A stage is paused or goes on; told once at the start for one that is paused. */
  changed: (stage: string, paused: boolean) => void;
  alarm: (code: string, words: string) => void;
}

/** A store that comes back empty says so within two seconds; whether a pause ended with it is decided a little later. */
const DECIDE_MS = 3_000;

export class Pauses {
  private readonly paused: Set<string>;
  private readonly stages = new Map<string, WatchedStage>();
  private readonly deciding = new Map<string, NodeJS.Timeout>();
  private emptiedMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly tools: PauseTools,
    private readonly decideMs = DECIDE_MS,
  ) {
    this.paused = new Set(tools.memory.pausedStages());
  }

  /** Whether the stage is paused as far as its owner is concerned. */
  has(stage: string): boolean {
    return this.paused.has(stage);
  }

  /** From now on this stage's pauses are kept. Opened with what `has` says. */
  watch(stage: WatchedStage): void {
    this.stages.set(stage.name, stage);
    if (this.has(stage.name)) this.tools.changed(stage.name, true);
    stage.onPaused((paused, asked) => this.seen(stage.name, paused, asked));
  }

  /** The store has come back empty. */
  storeEmptied(): void {
    this.emptiedMs = performance.now();
  }

  close(): void {
    for (const timer of this.deciding.values()) clearTimeout(timer);
    this.deciding.clear();
  }

  private seen(stage: string, paused: boolean, asked: boolean): void {
    clearTimeout(this.deciding.get(stage));
    this.deciding.delete(stage);
    if (paused === this.has(stage)) return;
    if (paused || asked) this.set(stage, paused);
    else this.deciding.set(stage, setTimeout(() => this.decide(stage), this.decideMs).unref());
  }

  /** The store says that a paused stage goes on: somebody resumed it, or the store forgot. */
  private decide(stage: string): void {
    this.deciding.delete(stage);
    if (performance.now() - this.emptiedMs > 2 * this.decideMs + 1_000) {
      this.set(stage, false);
      return;
    }
    this.stages
      .get(stage)!
      .pause()
      .then(() => this.tools.alarm('QUEUE_STORE_EMPTIED', `Stage ${stage} was paused before and is paused again.`))
      .catch((error) => {
        this.tools.alarm(codeOf(error), wordsOf(error));
        this.deciding.set(stage, setTimeout(() => this.decide(stage), this.decideMs).unref());
      });
  }

  private set(stage: string, paused: boolean): void {
    if (paused) this.paused.add(stage);
    else this.paused.delete(stage);
    this.tools.memory.rememberPaused([...this.paused]);
    this.tools.changed(stage, paused);
  }
}
