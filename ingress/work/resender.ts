/**
 * Sends payloads again when the operator asks for it, and gives up payloads that were coded for a link with other
 * parameters: their sequence numbers become void and their objects travel as new transfers.
 */
import { LIMITS } from '../../shared/core/limits.js';
import type { LowConsignment } from '../ledger/consignments.js';
import type { LowLedger, LowObject, Payload } from '../ledger/ledger.js';
import { type Begun, idsOf, resendMany } from './resendMany.js';
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
   *   Several of them, and ranges of sequence numbers, with commas between them.
   *   A consignment is sent again as a whole, whichever part of it is named.
   */
  async resend(id: string): Promise<string> {
    const ids = idsOf(id, (word) => this.find(digitsOf(word)) !== undefined);
    if (!ids) return `no: ${LIMITS.resendMost} transfers at most are sent again at once.`;
    if (ids.length > 1)
      return resendMany(ids, {
        begin: (one) => this.begin(one),
        unitOf: (one) => {
          const object = this.find(digitsOf(one));
          return object?.consignment ?? object?.payload ?? undefined;
        },
        transaction: (work) => this.ledger.transaction(work),
      });
    const { words, queue } = this.begin(ids[0] ?? id);
    await queue();
    return words;
  }

  /** What is to be done is in the ledger: should the queue store be away, the next rebuild puts it into the queue. */
  private begin(id: string): Begun {
    const digits = digitsOf(id);
    const object = this.find(digits);
    const consignment = this.consignmentOf(digits, object);
    if (consignment) return this.beginConsignment(consignment, object);
    if (!object) return refused(`no object has the id or sequence number ${id}.`);
    return this.beginObject(object);
  }

  /** That is named, or that what is named travels with: the other side may have given up any part of it for lack of the rest. */
  private consignmentOf(digits: string, object: LowObject | undefined): LowConsignment | undefined {
    const { consignments } = this.ledger;
    if (!object) return consignments.beginning(digits);
    return object.consignment === null ? undefined : consignments.get(object.consignment);
  }

  private beginObject(object: LowObject): Begun {
    if (object.state === 'sealed' && object.payload && this.ledger.payload(object.payload)?.wasSent)
      return { words: `yes: ${object.path} is being sent again already.`, queue: async () => {} };
    if (object.state !== 'sent' || !object.payload)
      return refused(`${object.path} is ${object.state}; only what has been sent can be sent again.`);
    const payload = this.ledger.payload(object.payload)!;
    const { consignments } = this.ledger;
    const fits = this.fits(payload);
    const members =
      !fits && object.consignment
        ? consignments.members(object.consignment).map((transfer) => this.ledger.object(transfer)!)
        : this.ledger.objectsOfPayload(object.payload);
    if (members.some(({ spoolFile }) => spoolFile === ''))
      return refused(`${object.path} is no longer in the spool (spool.retention); drop it again.`);
    if (!fits) {
      const transfers = this.ledger.dropPayload(payload.object);
      const others = object.consignment ? ` with the ${members.length - 1} others of its consignment` : '';
      return {
        words: `yes: ${object.path} is sent again as a new transfer${others}, because the link has other parameters now.`,
        queue: () => this.stages.enqueuePassed(transfers).catch(() => {}),
      };
    }
    this.ledger.payloadAgain(payload.object);
    const others = members.length - 1;
    return {
      words: `yes: ${object.path} is sent again${others > 0 ? `, with the ${others} objects of its bundle` : ''}.`,
      queue: () => this.stages.enqueueSend(payload.object).catch(() => {}),
    };
  }

  private beginConsignment({ id, root, state }: LowConsignment, named?: LowObject): Begun {
    const { consignments } = this.ledger;
    if (state === 'sealing') {
      // What is named may have been lost already; the rest is still to go and needs no repetition.
      if (named) return this.beginObject(named);
      return refused(`the consignment ${root} is still being sent; only what has been sent can be sent again.`);
    }
    if (state !== 'sent')
      return refused(`the consignment ${root} is ${state}; only what has been sent can be sent again.`);
    const members = consignments.members(id).flatMap((transfer) => this.ledger.object(transfer) ?? []);
    const isGone = members.some(({ spoolFile }) => spoolFile === '');
    if (isGone && named) {
      const { words, queue } = this.beginObject(named);
      return { words: `${words} Others of its consignment ${root} are no longer in the spool.`, queue };
    }
    if (isGone) return refused(`a part of ${root} is no longer in the spool (spool.retention); drop the folder again.`);
    const payloads = consignments.payloads(id).map(({ object }) => this.ledger.payload(object)!);
    // Coded for another link, one member takes the others along.
    if (payloads.some((payload) => !this.fits(payload))) return this.beginObject(members[0]!);
    const again = payloads.filter((payload) => payload.state === 'sent');
    if (again.length === 0)
      return { words: `yes: the consignment ${root} is being sent again already.`, queue: async () => {} };
    for (const { object } of again) this.ledger.payloadAgain(object);
    return {
      words: `yes: the consignment ${root} is sent again, all ${members.length} files of it.`,
      queue: async () => {
        for (const { object } of again) await this.stages.enqueueSend(object).catch(() => {});
      },
    };
  }

  private find(id: string): LowObject | undefined {
    if (/^\d{1,15}$/.test(id)) return this.ledger.objectBySequence(Number(id)) ?? this.ledger.objectBeginning(id);
    return this.ledger.objectBeginning(id);
  }

  private fits({ coding }: Payload): boolean {
    return coding.symbolBytes === this.coding.symbolBytes && coding.blockSymbols === this.coding.blockSymbols;
  }
}

/** Ids are read out in groups. */
const digitsOf = (id: string): string => id.replace(/[\s-]/g, '').toLowerCase();

const refused = (why: string): Begun => ({ words: `no: ${why}`, queue: async () => {} });
