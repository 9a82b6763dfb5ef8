/** Who is logged in at a console: random session ids, made anew at every login, that end by themselves. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { LIMITS } from '../../core/limits.js';

export interface Operator {
  /** As they called themselves when they logged in. */
  who: string;
  why: string;
}

interface Session extends Operator {
  endsMs: number;
}

export class Sessions {
  private readonly sessions = new Map<string, Session>();

  constructor(
    private readonly token: string,
    private readonly lifetimeMs: number,
    /** Monotonic milliseconds. */
    private readonly now: () => number,
  ) {}

  /** Compared by digest: takes as long whatever is wrong. */
  isToken(text: string): boolean {
    return timingSafeEqual(digest(text), digest(this.token));
  }

  /** A new session, whatever id somebody may have brought along. When there are too many the oldest one ends. */
  begin(operator: Operator): string {
    this.forgetEnded();
    for (const oldest of this.sessions.keys()) {
      if (this.sessions.size < LIMITS.consoleMaxSessions) break;
      this.sessions.delete(oldest);
    }
    const id = randomBytes(32).toString('base64url');
    this.sessions.set(id, { ...operator, endsMs: this.now() + this.lifetimeMs });
    return id;
  }

  of(id: string | undefined): Operator | undefined {
    const session = id === undefined ? undefined : this.sessions.get(id);
    if (session && this.now() < session.endsMs) return session;
    if (id !== undefined) this.sessions.delete(id);
    return undefined;
  }

  /** What follows is done for another reason. */
  because(id: string | undefined, why: string): void {
    const session = this.of(id);
    if (session) session.why = why;
  }

  end(id: string | undefined): void {
    if (id !== undefined) this.sessions.delete(id);
  }

  private forgetEnded(): void {
    const nowMs = this.now();
    for (const [id, { endsMs }] of this.sessions) if (endsMs <= nowMs) this.sessions.delete(id);
  }
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
