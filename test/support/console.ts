/** A console in this process with a side that is made up, and plain requests to it. */
import { request } from 'node:http';
import type { Question, WantedAct } from '../../shared/ops/console/messages.js';
import { openConsole } from '../../shared/ops/console/server.js';
import type { SideStatus } from '../../shared/ops/health/status.js';
import type { ShownJob } from '../../shared/ops/queues/desk.js';

export const TOKEN = 'a-token-of-forty-three-characters-0123456789';

export const lowStatus = (more: Partial<SideStatus> = {}): SideStatus =>
  ({
    side: 'low',
    atMs: 0,
    startedAtMs: 0,
    queueStore: { description: 'a store', isUp: true },
    erasureCode: { kernel: 'simd' },
    stages: [{ name: 'scan', waiting: 3, active: 1, delayed: 0, failed: 2, isPaused: true }],
    tenants: [
      {
        name: 'town',
        states: { taken: { objects: 3, bytes: 4096 } },
        inside: { objects: 3, bytes: 4096 },
        oldest: { state: 'taken', ageMs: 61_000 },
      },
    ],
    states: {},
    spool: { usedBytes: 0, limitBytes: 1, freeBytes: 1 },
    alarms: [],
    recent: [],
    processes: [{ name: 'intake', pid: 1 }],
    eventLoopDelayMs: 0,
    heldBack: '',
    intake: { entries: 0, waiting: 0, pollMs: 1 },
    link: {
      framesSent: 0,
      bytesSent: 0,
      sendErrors: 0,
      arrivals: 0,
      bitsPerSecond: 0,
      rateBps: 1,
      sequenceLast: 0,
      sequenceDone: 0,
    },
    ...more,
  }) as SideStatus;

export interface ConsoleSetUp {
  readOnly?: boolean;
  host?: string;
  sessionLifetimeMs?: number;
  status?: SideStatus;
  jobs?: ShownJob[];
  log?: string[];
}

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

export class TestConsole {
  readonly acts: WantedAct[] = [];
  readonly questions: Question[] = [];
  readonly alarms: string[] = [];
  /** What an act is answered with; undefined: it cannot be recorded. */
  actAnswer: string | undefined = 'yes: 2 jobs are tried again.';
  status: SideStatus | undefined;
  ageMs = 0;
  nowMs = 0;
  port = 0;
  private close: () => Promise<unknown> = async () => {};

  static async open(setUp: ConsoleSetUp = {}): Promise<TestConsole> {
    const made = new TestConsole();
    const { readOnly = true, host = '127.0.0.1', sessionLifetimeMs = 60_000, jobs = [], log = [] } = setUp;
    made.status = setUp.status ?? lowStatus();
    const settings = {
      side: 'low',
      host,
      port: 0,
      readOnly,
      sessionLifetimeMs,
      token: TOKEN,
      stages: ['scan', 'send'],
    };
    const { app, port } = await openConsole(settings as never, {
      supervisor: {
        ask: async (_, question) => {
          made.questions.push(question);
          if (question.kind === 'counts') {
            return { waiting: 0, active: 0, delayed: 0, failed: jobs.length, completed: 0, paused: false } as never;
          }
          if (question.kind === 'jobs') return (question.states.includes('failed') ? jobs : []) as never;
          if (question.kind === 'log') return log as never;
          const job = jobs.find(({ id }) => id === question.job);
          return (job && { job, state: 'failed' }) as never;
        },
        perform: async (act) => {
          if (made.actAnswer === undefined) throw new TypeError('/a/path/of/ours: the disk is full');
          made.acts.push(act);
          return made.actAnswer;
        },
      },
      told: () => made.status && { push: { status: made.status, metrics: 'sluice_up 1\n' }, ageMs: made.ageMs },
      loginsFailed: (times, address) => made.alarms.push(`${times} ${address}`),
      now: () => made.nowMs,
    });
    made.port = port;
    made.close = () => app.close();
    return made;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  send(method: string, path: string, headers: Record<string, string> = {}, body = ''): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port: this.port, method, path, headers, agent: false }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part) => {
          text += part;
        });
        response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body: text }));
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }

  login(form: Record<string, string>, headers: Record<string, string> = {}): Promise<Answer> {
    const all = { 'content-type': 'application/x-www-form-urlencoded', origin: this.url, ...headers };
    return this.send('POST', '/login', all, new URLSearchParams(form).toString());
  }

  /** The cookie of a good login, as a browser would send it back. */
  async cookie(form: Record<string, string> = {}): Promise<string> {
    const { headers } = await this.login({ token: TOKEN, who: 'eve', why: 'a test', ...form });
    return String(headers['set-cookie']).split(';', 1)[0]!;
  }

  end(): Promise<unknown> {
    return this.close();
  }
}
