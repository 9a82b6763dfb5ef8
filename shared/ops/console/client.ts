/** Asks the supervisor: numbered questions over the channel to the parent, few at a time and never for long. */
import { SluiceError } from '../../core/errors.js';
import { LIMITS } from '../../core/limits.js';
import type { Question, Reply, WantedAct } from './messages.js';

const ANSWER_MS = 10_000;

export interface Supervisor {
  ask<T>(stage: string, question: Question): Promise<T>;
  /** The answer begins with "yes:" or "no:". */
  perform(act: WantedAct): Promise<string>;
}

export class SupervisorClient implements Supervisor {
  private readonly open = new Map<number, (reply: Reply) => void>();
  private nextId = 1;

  constructor(
    private readonly tell: {
      question: (message: { id: number; stage: string; question: Question }) => void;
      act: (message: { id: number; act: WantedAct }) => void;
    },
    private readonly answerMs = ANSWER_MS,
  ) {}

  ask<T>(stage: string, question: Question): Promise<T> {
    return this.send((id) => this.tell.question({ id, stage, question })) as Promise<T>;
  }

  perform(act: WantedAct): Promise<string> {
    return this.send((id) => this.tell.act({ id, act })) as Promise<string>;
  }

  answered({ id, reply }: { id: number; reply: Reply }): void {
    this.open.get(id)?.(reply);
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
      const timer = setTimeout(
        () => settle({ code: 'CONSOLE_UNAVAILABLE', detail: 'The side did not answer in time.' }),
        this.answerMs,
      );
      this.open.set(id, settle);
      tell(id);
    });
  }
}
