/**
 * The supervisor's end of its console: starts the process, tells it how the side stands, answers what it asks about
 * jobs, and carries out what an operator wants done, once that is recorded. A side works without its console: one that
 * cannot be served is an alarm, and is tried again.
 */
import { codeOf, SluiceError, wordsOf } from '../../core/errors.js';
import { LIMITS } from '../../core/limits.js';
import type { News } from '../health/news.js';
import type { SideName, StatusPush } from '../health/status.js';
import type { Acts } from '../operators/acts.js';
import type { AnyStage } from '../operators/queueActs.js';
import { Child } from '../processes/children.js';
import type { ServedConsole } from '../sides.js';
import type { ConsoleProtocol, Question, Reply } from './messages.js';
import { readToken, TOKEN_FILE } from './tokenFile.js';

export interface ConsoleConfig {
  enabled: boolean;
  listen: { host: string; port: number };
  readOnly: boolean;
  sessionLifetime: number;
}

export interface KeeperTools {
  side: SideName;
  /** State folder of the side. */
  stateDir: string;
  config: ConsoleConfig;
  stages: ReadonlyMap<string, AnyStage>;
  acts: Acts;
  news: Pick<News<never>, 'alarm' | 'over'>;
}

/** The part of run.json about the console of a side; `consoles` as the demo has them, for whoever reads either. */
export function consoleRun(side: SideName, served: ServedConsole | null): object {
  if (!served) return { console: null };
  const { url, token } = served;
  return { console: url, consoleToken: token, consoles: { [side]: url }, consoleTokens: { [side]: token } };
}

const START_MS = 15_000;
const AGAIN_MS = 30_000;
const STOP_MS = 3_000;

export class ConsoleKeeper {
  private child: Child<ConsoleProtocol> | undefined;
  private served: ServedConsole | undefined;
  private again: NodeJS.Timeout | undefined;
  private port: number;
  private answering = 0;
  private stopped = false;

  constructor(private readonly tools: KeeperTools) {
    this.port = tools.config.listen.port;
  }

  /** Null while there is none. */
  get console(): ServedConsole | null {
    return this.served ?? null;
  }

  get pids(): Record<string, number> {
    return this.tools.config.enabled ? { console: this.child?.pid ?? 0 } : {};
  }

  /** Resolves in any case: whether it is served shows. */
  async start(): Promise<void> {
    const { config, news } = this.tools;
    if (!config.enabled || this.stopped) return;
    try {
      await this.open();
      news.over('CONSOLE_UNAVAILABLE');
    } catch (error) {
      this.child = undefined;
      // A side that is ended while it still starts takes its console away itself.
      if (this.stopped) return;
      news.alarm('CONSOLE_UNAVAILABLE', error instanceof SluiceError ? error.detail : wordsOf(error));
      this.again = setTimeout(() => void this.start(), AGAIN_MS).unref();
    }
  }

  push(told: StatusPush): void {
    this.child?.tell('told', told);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.again);
    await this.child?.stop(STOP_MS);
  }

  private async open(): Promise<void> {
    const { side, stateDir, config, stages, news } = this.tools;
    const { token, renewed } = readToken(stateDir);
    if (renewed)
      news.alarm('KEY_EXPOSED', `${TOKEN_FILE} could be read by others, or held no token: it was made anew.`);
    const { host } = config.listen;
    const child = new Child<ConsoleProtocol>({
      name: 'console',
      module: new URL('./process.js', import.meta.url),
      onStart: async (voice) => {
        const settings = {
          side,
          host,
          // The port the system chose once is kept when the process has to be started again.
          port: this.port,
          readOnly: config.readOnly,
          sessionLifetimeMs: config.sessionLifetime,
          token,
          stages: [...stages.keys()],
        };
        const { port } = await voice.ask('start', settings, START_MS);
        this.port = port;
        this.served = { url: `http://${host}:${port}`, token };
      },
      onEvent: {
        question: ({ id, stage, question }) => this.reply(child, id, () => this.answer(stage, question)),
        act: ({ id, act }) => this.reply(child, id, () => this.tools.acts.perform({ ...act, origin: 'console' })),
        loginsFailed: ({ times, address }) =>
          news.alarm('CONSOLE_LOGIN_FAILED', `${times} attempts failed, the last one from ${address}.`),
      },
    });
    this.child = child;
    await child.start();
  }

  private reply(child: Child<ConsoleProtocol>, id: number, work: () => Promise<unknown>): void {
    const send = (reply: Reply) => child.tell('answer', { id, reply });
    if (this.answering >= LIMITS.consoleMaxQuestions) {
      send({ code: 'CONSOLE_UNAVAILABLE', detail: 'Too many questions are open.' });
      return;
    }
    this.answering++;
    work()
      .then(
        (value) => send({ value }),
        (error) => send({ code: codeOf(error), detail: error instanceof SluiceError ? error.detail : '' }),
      )
      .finally(() => {
        this.answering--;
      });
  }

  private async answer(name: string, question: Question): Promise<unknown> {
    const stage = this.tools.stages.get(name);
    if (!stage) throw new SluiceError('USAGE', `There is no stage "${name}" here.`);
    switch (question.kind) {
      case 'counts':
        return { ...(await stage.counts()), paused: await stage.isPaused() };
      case 'jobs':
        return stage.desk.jobs(question.states, question.first, question.last);
      case 'job':
        return stage.desk.job(question.job);
      case 'log':
        return stage.desk.log(question.job);
    }
  }
}
