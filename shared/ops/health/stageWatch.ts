/**
 * How the queue stages stand, asked for now and then and not each time somebody wants to know: the store may be far away,
 * slow, or gone. That it does not answer is an alarm until it does.
 */
import type { Stage, StageCounts } from '../queues/store.js';
import type { StageStatus } from './status.js';

type AnyStage = Pick<Stage<never>, 'name' | 'counts' | 'isPaused'>;

/** A store that has not answered for this long counts as away. */
const PATIENCE_MS = 3_000;
/** As long as it is away this is said again, for the alarm to hold. */
const AGAIN_MS = 20_000;
const NOTHING: StageCounts = { waiting: 0, active: 0, delayed: 0, failed: 0, completed: 0 };

export interface StageWatchEvents {
  /** Said again while it lasts. */
  away(): void;
  back(): void;
}

export class StageWatch {
  /** As last heard. */
  stages: readonly StageStatus[];
  isUp = true;
  private asking = false;
  private answeredMs: number;
  private saidMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly watched: readonly AnyStage[],
    private readonly events: StageWatchEvents,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.answeredMs = now();
    this.stages = watched.map(({ name }) => statusOf(name, NOTHING, false));
  }

  /** To be called about every second; never waits. */
  look(): void {
    if (this.now() - this.answeredMs >= PATIENCE_MS) this.setUp(false);
    if (this.asking) return;
    this.asking = true;
    Promise.all(this.watched.map(async (stage) => statusOf(stage.name, await stage.counts(), await stage.isPaused())))
      .then((stages) => {
        this.stages = stages;
        this.answeredMs = this.now();
        this.setUp(true);
      })
      // Asked again with the next look; after some patience it is an alarm.
      .catch(() => {})
      .finally(() => {
        this.asking = false;
      });
  }

  private setUp(isUp: boolean): void {
    const isNews = isUp !== this.isUp;
    this.isUp = isUp;
    if (isUp) {
      if (isNews) this.events.back();
    } else if (isNews || this.now() - this.saidMs >= AGAIN_MS) {
      this.saidMs = this.now();
      this.events.away();
    }
  }
}

function statusOf(name: string, counts: StageCounts, isPaused: boolean): StageStatus {
  const { waiting, active, delayed, failed } = counts;
  return { name, waiting, active, delayed, failed, isPaused };
}
