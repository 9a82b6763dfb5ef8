/** What the two ends of a forked process say to each other: the typed part that a user declares, and the messages themselves. */

/** Declare it with type literals; an end that says nothing is `Record<never, never>`. */
export interface Protocol {
  requests: Record<string, { ask: unknown; answer: unknown }>;
  /** One-way events from the supervisor to the child. */
  toChild: Record<string, unknown>;
  /** One-way events from the child to the supervisor. */
  toParent: Record<string, unknown>;
}

export type Handlers<E> = { [K in keyof E]?: (payload: E[K]) => void };
export type Requests<P extends Protocol> = keyof P['requests'] & string;
export type Ask<P extends Protocol, R extends Requests<P>> = P['requests'][R]['ask'];
export type Answer<P extends Protocol, R extends Requests<P>> = P['requests'][R]['answer'];

export type ToChild =
  | { kind: 'ask'; id: number; name: string; body: unknown }
  | { kind: 'event'; name: string; body: unknown }
  /** Asks for a sign of life. */
  | { kind: 'ping' }
  | { kind: 'stop' };

export type ToParent =
  | { kind: 'ready' }
  | { kind: 'answer'; id: number; body: unknown }
  | { kind: 'failure'; id: number; code: string; detail: string }
  | { kind: 'event'; name: string; body: unknown }
  | { kind: 'pong' }
  /** The longest pause of its main thread in the last second or so, milliseconds. */
  | { kind: 'late'; ms: number }
  | { kind: 'stopped' };
