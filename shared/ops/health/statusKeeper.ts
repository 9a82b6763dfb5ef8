/**
 * Builds the status of a side at a steady pace and hands it on: to a file of the state folder, which `sluice status` and
 * `sluice top` read with or without a console, and to whoever listens (the console process).
 */
import { wordsOf } from '../../core/errors.js';
import type { StateFolder } from '../files/stateFolder.js';
import { systemClock } from '../systemClock.js';
import { ClockWatch } from './clockWatch.js';
import type { SideMetrics } from './metrics.js';
import type { News } from './news.js';
import type { StageWatch } from './stageWatch.js';
import { type SideStatus, STATUS_FILE, type StatusPush } from './status.js';

export interface StatusKeeperTools {
  state: Pick<StateFolder, 'writeFile'>;
  news: Pick<News<never>, 'alarm' | 'tick'>;
  stages: StageWatch;
  metrics: Pick<SideMetrics, 'text'>;
  build: () => SideStatus;
}

const EVERY_MS = 500;
/** The file every so many times. */
const FILE_EVERY = 2;
/** Metrics are scraped every few seconds: a new text so often, and less often when it takes long to make. */
const METRICS_EVERY_MS = 1_500;
const METRICS_PART = 50;

export class StatusKeeper {
  readonly clockWatch: ClockWatch;
  private readonly listeners: ((push: StatusPush) => void)[] = [];
  private metrics = '';
  private nextMetricsMs = 0;
  private timer: NodeJS.Timeout | undefined;
  private built = 0;

  constructor(private readonly tools: StatusKeeperTools) {
    this.clockWatch = new ClockWatch(systemClock, (words) => tools.news.alarm('CLOCK_STEPPED', words));
  }

  /** Told about twice a second: what the console process shows. */
  onPush(listener: (push: StatusPush) => void): void {
    this.listeners.push(listener);
  }

  start(): void {
    this.look();
    this.timer = setInterval(() => this.look(), EVERY_MS);
  }

  /** Leaves a last status behind. */
  stop(): void {
    if (this.timer === undefined) return;
    clearInterval(this.timer);
    this.timer = undefined;
    this.built = 0;
    this.look();
  }

  private look(): void {
    const { news, stages } = this.tools;
    try {
      this.clockWatch.look();
      news.tick();
      stages.look();
      const status = this.tools.build();
      if (this.built++ % FILE_EVERY === 0) this.tools.state.writeFile(STATUS_FILE, status);
      if (this.listeners.length === 0) return;
      for (const listener of this.listeners) listener({ status, metrics: this.metrics });
      void this.renewMetrics(status);
    } catch (error) {
      // A disk that is full, most often: the side goes on, and the alarm reaches whoever still can be reached.
      news.alarm('SPOOL_IO', `The status of this side cannot be written: ${wordsOf(error)}`, STATUS_FILE);
    }
  }

  private async renewMetrics(status: SideStatus): Promise<void> {
    const startedMs = performance.now();
    if (startedMs < this.nextMetricsMs) return;
    this.nextMetricsMs = Number.POSITIVE_INFINITY;
    try {
      this.metrics = await this.tools.metrics.text(status);
    } catch (error) {
      this.tools.news.alarm('INTERNAL', `Metrics cannot be made: ${wordsOf(error)}`, 'metrics');
    } finally {
      const endedMs = performance.now();
      this.nextMetricsMs = endedMs + Math.max(METRICS_EVERY_MS, METRICS_PART * (endedMs - startedMs));
    }
  }
}
