/**
 * How many payloads of each tenant stand in the send stage at once: enough to keep the sender busy, and so few that a
 * tenant with ten thousand of them never holds all the places (FAULTS 60). The others wait here, in their order; the
 * ledger knows all of them, and a restart puts them here again.
 */
import type { ObjectId } from '../../shared/wire/statements.js';

interface Line {
  inStage: Set<ObjectId>;
  waiting: Set<ObjectId>;
}

export class SendLines {
  private readonly lines = new Map<string, Line>();

  constructor(
    /** Payloads of a tenant in the stage at most. */
    private readonly most: number,
    private readonly add: (payload: ObjectId) => Promise<void>,
    private readonly onTrouble: (error: unknown) => void,
  ) {}

  /** The payload is to be sent; said again, it is put into the stage again if it stood there. */
  async put(tenant: string, payload: ObjectId): Promise<void> {
    const line = this.lines.get(tenant) ?? { inStage: new Set(), waiting: new Set() };
    this.lines.set(tenant, line);
    if (!line.inStage.has(payload)) {
      if (line.inStage.size >= this.most) {
        line.waiting.add(payload);
        return;
      }
      line.waiting.delete(payload);
      line.inStage.add(payload);
    }
    try {
      await this.add(payload);
    } catch (error) {
      line.inStage.delete(payload);
      throw error;
    }
  }

  /** The payload has left the stage: the next of its tenant goes there. */
  left(tenant: string, payload: ObjectId): void {
    const line = this.lines.get(tenant);
    if (!line?.inStage.delete(payload)) return;
    const [next] = line.waiting;
    if (next !== undefined) {
      this.put(tenant, next).catch((error) => {
        // It waits on; whoever puts everything into the queues again now and then finds it.
        this.onTrouble(error);
      });
    } else if (line.inStage.size === 0) this.lines.delete(tenant);
  }
}
