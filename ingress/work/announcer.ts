/** Sends signed heartbeats at a steady interval, and a little after something was sent. */
import { LIMITS } from '../../shared/core/limits.js';
import type { Child } from '../../shared/ops/processes/children.js';
import type { LinkParameters } from '../../shared/wire/statements.js';
import type { LowLedger } from '../ledger/ledger.js';
import type { SealerProtocol } from '../seal/messages.js';
import type { SenderProtocol } from '../send/orders.js';

/** How soon after a transfer the new position is announced: one heartbeat for all that end together. */
const SOON_MS = 50;

export class Announcer {
  private timer: NodeJS.Timeout | undefined;
  private soonTimer: NodeJS.Timeout | undefined;
  private session = '';
  private parameters: LinkParameters | undefined;

  constructor(
    private readonly ledger: LowLedger,
    private readonly sealer: Child<SealerProtocol>,
    private readonly sender: Child<SenderProtocol>,
    private readonly intervalMs: number,
    private readonly onTrouble: (error: unknown) => void,
  ) {}

  /** Begins, or goes on with another link session. */
  start(session: string, parameters: LinkParameters): void {
    this.stop();
    this.session = session;
    this.parameters = parameters;
    this.timer = setInterval(() => void this.announce(), this.intervalMs);
    this.soon();
  }

  soon(): void {
    if (this.parameters === undefined) return;
    this.soonTimer ??= setTimeout(() => {
      this.soonTimer = undefined;
      void this.announce();
    }, SOON_MS);
  }

  /** Nothing is announced any more, whatever still asks for it, until the next start. */
  stop(): void {
    this.parameters = undefined;
    clearInterval(this.timer);
    clearTimeout(this.soonTimer);
    this.soonTimer = undefined;
  }

  private async announce(): Promise<void> {
    try {
      const { framesSent } = await this.sender.ask('counters', null);
      const { session, parameters } = this;
      if (parameters === undefined) return;
      const { bytes } = await this.sealer.ask('heartbeat', {
        history: this.ledger.history,
        session,
        sequenceDone: this.ledger.sequenceDone(),
        sequenceLast: this.ledger.sequenceLast(),
        voids: this.ledger.voids(LIMITS.heartbeatMaxVoids),
        frames: framesSent,
        parameters,
        timeMs: Date.now(),
      });
      this.sender.tell('heartbeat', bytes);
    } catch (error) {
      if (this.parameters !== undefined) this.onTrouble(error);
    }
  }
}
