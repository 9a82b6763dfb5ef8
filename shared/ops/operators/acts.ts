/**
 * Carries out what operators ask of a running side: one request after the other, in the order they were recorded.
 *
 *   command line ── writes a request into the ledger ──┐
 *                                                       ├─▶ carryOut: handler of its kind ─▶ answer in the ledger
 *   console ── perform: records the request ────────────┘
 */
import { codeOf, ERRORS, SluiceError, wordsOf } from '../../core/errors.js';
import { LIMITS } from '../../core/limits.js';
import { plain } from '../queues/words.js';
import { type Asked, isQuestion, type Requests } from './requests.js';

/**
 * Does what is asked and answers with a sentence that begins with "yes:" or "no:". A SluiceError that is retryable
 * leaves the request open: it is tried again.
 */
export type ActHandler = (argument: string, asked: Asked) => Promise<string>;

/** Questions nobody has waited for this long are forgotten, as after a command line that was stopped. */
const QUESTION_MS = 60_000;

export class Acts {
  private readonly handlers = new Map<string, ActHandler>();
  private running: Promise<void> | undefined;

  constructor(
    private readonly requests: Requests,
    private readonly now: () => number,
  ) {}

  register(kind: string, handler: ActHandler): void {
    this.handlers.set(kind, handler);
  }

  /** For the console: records the act, carries it out, and answers. @throws when it cannot be recorded: then it is not done */
  async perform(asked: Asked): Promise<string> {
    if (!this.handlers.has(asked.kind)) return `no: "${asked.kind}" is not something this side does.`;
    const id = this.requests.add(bounded(asked));
    // One that waits for an earlier one to be done may have been left behind by it: look again then.
    await this.running?.catch(() => {});
    await this.carryOut();
    return this.requests.answerOf(id) ?? 'yes: it is recorded, and is done as soon as what it needs works again.';
  }

  /** Carries out all open requests. To be called now and then. @throws the trouble that keeps one of them waiting */
  carryOut(): Promise<void> {
    this.running ??= this.carryOutOpen().finally(() => {
      this.running = undefined;
    });
    return this.running;
  }

  private async carryOutOpen(): Promise<void> {
    let trouble: unknown;
    for (const request of this.requests.open()) {
      if (isQuestion(request.kind) && this.now() - request.askedMs > QUESTION_MS) {
        this.requests.forget(request.id);
        continue;
      }
      try {
        this.requests.answer(request.id, await this.answerTo(request));
      } catch (error) {
        trouble = error;
      }
    }
    if (trouble !== undefined) throw trouble;
  }

  private async answerTo(request: Asked): Promise<string> {
    const handler = this.handlers.get(request.kind);
    if (!handler) return `no: "${request.kind}" is not something this side does.`;
    try {
      return await handler(request.argument, request);
    } catch (error) {
      if (error instanceof SluiceError && error.persistence === 'retryable') throw error;
      return `no: ${codeOf(error)}: ${error instanceof SluiceError ? wordsOf(error) : ERRORS.INTERNAL.meaning}`;
    }
  }
}

function bounded({ kind, argument, who, why, origin }: Asked): Asked {
  const text = (value: string) => plain(value.trim(), LIMITS.requestMaxText);
  return { kind, argument: text(argument), who: text(who), why: text(why), origin };
}
