/**
 * Sends payloads again when the operator asks for it, and gives up payloads that were coded for a link with other
 * parameters: their sequence numbers become void and their objects travel as new transfers.
 */
import type { LowConsignment } from '../ledger/consignments.js';
import type { LowLedger, LowObject, Payload } from '../ledger/ledger.js';
import type { LowStages } from './stages.js';

export class Resender {
  constructor(
    private readonly ledger: LowLedger,
    private readonly stages: LowStages,
    private readonly coding: { symbolBytes: number; blockSymbols: number },
  ) {}

  /**
   * At start: what has been coded but not sent must fit the link as it is configured now. What has been sent once and was
   * to be sent again is not: as a new transfer the other side would release it a second time, which only an operator who
   * asks for it now may want. What was being sent when the side ended is sent as a new transfer, for most likely the
   * other side has a part of it only: rather twice than never.
   * @returns paths of what was to be sent again and is not
   */
  adaptToLink(): string[] {
    this.ledger.setCoding(this.coding);
    const left = (['sealing', 'sealed'] as const)
      .flatMap((state) => this.ledger.payloadsIn(state))
      .filter((payload) => !this.fits(payload));
    const again = left.filter(({ wasSent }) => wasSent);
    for (const { object } of again) this.ledger.payloadNotAgain(object);
    for (const { object, wasSent } of left) if (!wasSent) this.ledger.dropPayload(object);
    return again.flatMap(({ object }) => this.ledger.objectsOfPayload(object).map(({ path }) => path));
  }

  /**
   * @param id what a receipt quotes: the id of a transfer or a consignment (or an unambiguous beginning of 8 digits or
   *   more, also in groups as it is read out), or a sequence number
   */
  async resend(id: string): Promise<string> {
    const digits = id.replace(/[\s-]/g, '').toLowerCase();
    const object = this.find(digits);
    const consignment = object ? undefined : this.ledger.consignments.beginning(digits);
    if (consignment) return this.resendConsignment(consignment);
    if (!object) return `no: no object has the id or sequence number ${id}.`;
    if (object.state !== 'sent' || !object.payload)
      return `no: ${object.path} is ${object.state}; only what has been sent can be sent again.`;
    const payload = this.ledger.payload(object.payload)!;
    const { consignments } = this.ledger;
    const fits = this.fits(payload);
    const members =
      !fits && object.consignment
        ? consignments.members(object.consignment).map((transfer) => this.ledger.object(transfer)!)
        : this.ledger.objectsOfPayload(object.payload);
    if (members.some(({ spoolFile }) => spoolFile === ''))
      return `no: ${object.path} is no longer in the spool (spool.retention); drop it again.`;
    if (!fits) {
      const transfers = this.ledger.dropPayload(payload.object);
      await this.stages.enqueuePassed(transfers).catch(() => {});
      const others = object.consignment ? ` with the ${members.length - 1} others of its consignment` : '';
      return `yes: ${object.path} is sent again as a new transfer${others}, because the link has other parameters now.`;
    }
    this.ledger.payloadAgain(payload.object);
    // From here on the ledger says so: should the queue store be away, the next rebuild puts it into the queue.
    await this.stages.enqueueSend(payload.object).catch(() => {});
    const others = members.length - 1;
    return `yes: ${object.path} is sent again${others > 0 ? `, with the ${others} objects of its bundle` : ''}.`;
  }

  private async resendConsignment({ id, root, state }: LowConsignment): Promise<string> {
    const { consignments } = this.ledger;
    if (state !== 'sent') return `no: the consignment ${root} is ${state}; only what has been sent can be sent again.`;
    const members = consignments.members(id).flatMap((transfer) => this.ledger.object(transfer) ?? []);
    if (members.some(({ spoolFile }) => spoolFile === ''))
      return `no: a part of ${root} is no longer in the spool (spool.retention); drop the folder again.`;
    const payloads = consignments.payloads(id).map(({ object }) => this.ledger.payload(object)!);
    // Coded for another link, one member takes the others along.
    if (payloads.some((payload) => !this.fits(payload))) return this.resend(members[0]!.transfer);
    for (const { object } of payloads) {
      this.ledger.payloadAgain(object);
      await this.stages.enqueueSend(object).catch(() => {});
    }
    return `yes: the consignment ${root} is sent again, all ${members.length} files of it.`;
  }

  private find(id: string): LowObject | undefined {
    if (/^\d{1,15}$/.test(id)) return this.ledger.objectBySequence(Number(id)) ?? this.ledger.objectBeginning(id);
    return this.ledger.objectBeginning(id);
  }

  private fits({ coding }: Payload): boolean {
    return coding.symbolBytes === this.coding.symbolBytes && coding.blockSymbols === this.coding.blockSymbols;
  }
}
