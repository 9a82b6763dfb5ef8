/** What is taken beside a tenant's polls, because it needs its time: at most one thing at a time. */
import { ERRORS } from '../../shared/core/errors.js';
import { OpenBatch } from './batch.js';
import type { Consignments } from './consignments.js';
import { noCounts, Round } from './round.js';
import { SharePath, type Taking, takeAll } from './taking.js';
import type { Pass, TenantDesk } from './tenantDesk.js';

export class Beside {
  private current: { readonly key: string; readonly end: Promise<void> } | undefined;
  private error: unknown;
  /** What the spool said to it: part of the next poll's report. */
  private round = new Round();

  constructor(
    private readonly desk: TenantDesk,
    private readonly consignments: Consignments,
  ) {}

  /** Key of what is being taken: of a file, or of the folder of a consignment. */
  get key(): string | undefined {
    return this.current?.key;
  }

  /** Resolves when nothing is being taken. */
  async idle(): Promise<void> {
    await this.current?.end;
  }

  /** The round of the next poll, with what has been said since the last one. */
  nextRound(): Round {
    const round = this.round;
    round.spoolFailed = false;
    this.round = new Round();
    return round;
  }

  /** Takes something that needs its time, while the polls go on. */
  take(taking: Taking & { readonly key: string }): void {
    this.desk.reserve(taking.bytes, taking.members.length);
    for (const { key, path } of taking.members) this.desk.known.claim(key, path);
    const end = this.run(taking).catch((error) => {
      this.error ??= error;
    });
    this.current = { key: taking.key, end };
    void end.then(() => {
      this.current = undefined;
    });
  }

  private async run(taking: Taking): Promise<void> {
    const { known, stability, gateway } = this.desk;
    const { consignments } = this;
    const { members, consignment } = taking;
    let done: Awaited<ReturnType<typeof takeAll>>;
    try {
      // The poll that found it may be in the middle of a batch.
      await gateway.tools.yieldNow();
      const path = new SharePath(this.desk.share.share, gateway.fsOption);
      done = await takeAll(taking, path, this.desk.maxBytes, gateway, this.desk.name);
    } catch (error) {
      this.desk.reserve(-taking.bytes, -members.length);
      throw error;
    }
    if ('failure' in done) {
      this.desk.reserve(-taking.bytes, -members.length);
      for (const { key, path } of members) known.unclaim(key, path);
      const { failure, at } = done;
      const pass: Pass = { batch: new OpenBatch(gateway.spool), round: this.round, counts: noCounts() };
      if (consignment) consignments.changing(consignment.rawPath);
      const isMoment = failure.code === 'INTAKE_UNSTABLE' || failure.code === 'INTAKE_VANISHED';
      if (failure.code === 'SPOOL_IO') pass.round.spoolTrouble(failure);
      // Not at every poll anew: a large file would be copied in vain again and again.
      if (!consignment && failure.code === 'SPOOL_IO') this.desk.hold(at.rawPath, at.identity, failure, pass);
      else if (!consignment) this.desk.failed(failure, at, pass);
      // A member that turns out to be a link is met as one by the next walk, which then refuses all.
      else if (!isMoment && ERRORS[failure.code].persistence === 'retryable') {
        const detail = `"${consignment.root}" travels as a unit and waits for this file. ${failure.detail}`;
        this.desk.hold(at.rawPath, at.identity, { code: failure.code, detail }, pass);
      }
      await this.desk.deliver(pass);
      return;
    }
    const { taken } = done;
    const whole = consignment
      ? [{ id: consignment.id, root: consignment.root, objects: taken.length, bytes: taking.bytes }]
      : [];
    try {
      await gateway.tools.onBatch({
        tenant: this.desk.name,
        taken,
        refused: [],
        held: [],
        consignments: whole,
        gone: [],
      });
    } catch (error) {
      // What lies in the spool stays there: the batch may have been recorded all the same.
      for (const { key, path } of members) known.unclaim(key, path);
      throw error;
    } finally {
      gateway.room.recorded(taking.bytes, members.length);
      this.desk.room.recorded(taking.bytes, members.length);
    }
    for (const { key, identity, path } of members) {
      known.taken(key, identity, path);
      stability.forget(key);
    }
    if (consignment) consignments.taken(consignment.rawPath);
  }

  /** What went wrong with the last one and was nobody's fault. */
  rethrow(): void {
    const error = this.error;
    this.error = undefined;
    if (error !== undefined) throw error;
  }
}
