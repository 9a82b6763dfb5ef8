/**
 * Asks the supervisor: numbered questions over the channel to the parent, few at a time and never for long. A question
 * that is open already is not asked twice, and while a busy store lets one wait the last answer is good enough to show:
 * boards look again every few seconds.
 */
import { SluiceError } from '../../core/errors.js';
import { LIMITS } from '../../core/limits.js';
import type { Question, Reply, WantedAct } from './messages.js';

const ANSWER_MS = 20_000;
/** An answer that takes longer than this is waited for only where there is no earlier one. A page asks twice in a row. */
const PATIENCE_MS = 50;
const GOOD_FOR_MS = 60_000;

export interface Supervisor {
  ask<T>(stage: string, question: Question): Promise<T>;
  /** The answer begins with "yes:" or "no:". */
  perform(act: WantedAct): Promise<string>;
}

interface Known {
  asking?: Promise<unknown> | undefined;
  answer?: { value: unknown; atMs: number };
}

export interface ClientTimes {
  answerMs: number;
  patienceMs: number;
}

export class SupervisorClient implements Supervisor {
  private readonly open = new Map<number, (reply: Reply) => void>();
  private readonly known = new Map<string, Known>();
  private nextId = 1;

  constructor(
    private readonly tell: {
      question: (message: { id: number; stage: string; question: Question }) => void;
      act: (message: { id: number; act: WantedAct }) => void;
    },
    private readonly times: ClientTimes = { answerMs: ANSWER_MS, patienceMs: PATIENCE_MS },
  ) {}

  ask<T>(stage: string, question: Question): Promise<T> {
    const known = this.knownOf(JSON.stringify([stage, question]));
    known.asking ??= this.send((id) => this.tell.question({ id, stage, question }))
      .then((value) => {
        known.answer = { value, atMs: performance.now() };
        return value;
      })
      .finally(() => {
        known.asking = undefined;
      });
    const { asking, answer } = known;
    if (!answer || performance.now() - answer.atMs > GOOD_FOR_MS) return asking as Promise<T>;
    asking.catch(() => {});
    return Promise.race([asking, after(this.times.patienceMs).then(() => answer.value)]) as Promise<T>;
  }

  perform(act: WantedAct): Promise<string> {
    const answer = this.send((id) => this.tell.act({ id, act })) as Promise<string>;
    // What was so before it is not to be shown after it.
    return answer.finally(() => this.known.clear());
  }

  answered({ id, reply }: { id: number; reply: Reply }): void {
    this.open.get(id)?.(reply);
  }

  /** The one used longest ago makes room. */
  private knownOf(key: string): Known {
    const known = this.known.get(key) ?? {};
    this.known.delete(key);
    this.known.set(key, known);
    for (const oldest of this.known.keys()) {
      if (this.known.size <= LIMITS.consoleMaxQuestions) break;
      this.known.delete(oldest);
    }
    return known;
  }

  private send(tell: (id: number) => void): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.open.size >= LIMITS.consoleMaxQuestions) {
        return reject(new SluiceError('CONSOLE_UNAVAILABLE', 'Too many questions are open.'));
      }
      const id = this.nextId++;
      const settle = (reply: Reply) => {
        clearTimeout(timer);
        this.open.delete(id);
        if ('value' in reply) resolve(reply.value);
        else reject(new SluiceError(reply.code, reply.detail));
      };
      const late: Reply = { code: 'CONSOLE_UNAVAILABLE', detail: 'The side did not answer in time.' };
      const timer = setTimeout(() => settle(late), this.times.answerMs);
      this.open.set(id, settle);
      tell(id);
    });
  }
}

const after = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms).unref());
