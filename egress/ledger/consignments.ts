/**
 * Consignments in the high side's ledger: what was announced of each, and how far it has come. Its members are the
 * objects of its payloads; none of them is released before all can be.
 *
 *   open --all members there--> whole --published--> released
 *     \--position passed, some are missing--> incomplete --another payload of it is assembled--> open
 *   any of these --a member is rejected--> quarantined
 */
import { LIMITS } from '../../shared/core/limits.js';
import type { LedgerFile, Row } from '../../shared/ops/ledger/ledgerFile.js';
import { CONSIGNMENT_MARK, noteDue } from '../../shared/ops/receipts/outbox.js';
import { lastSequence } from '../../shared/wire/consignment.js';
import type { ObjectId } from '../../shared/wire/statements.js';
import type { FolderOrder } from '../release/messages.js';
import type { VerifiedConsignment, VerifiedObject } from '../verify/messages.js';

export type HighConsignmentState = 'open' | 'incomplete' | 'whole' | 'quarantined' | 'released';

export interface HighConsignment extends VerifiedConsignment {
  history: string;
  state: HighConsignmentState;
  /** Why the members that were not rejected for their own sake are quarantined. */
  reason: { code: string; detail: string } | null;
}

export const CONSIGNMENTS_TABLE = `
  ALTER TABLE payloads ADD COLUMN consignment TEXT;
  CREATE INDEX payloads_by_consignment ON payloads (consignment) WHERE consignment IS NOT NULL;
  CREATE TABLE consignments (
    id TEXT PRIMARY KEY,
    history TEXT NOT NULL,
    tenant TEXT NOT NULL,
    root TEXT NOT NULL,            -- safe to show
    parts TEXT NOT NULL,           -- JSON
    first_sequence INTEGER NOT NULL,
    objects INTEGER NOT NULL,
    size INTEGER NOT NULL,
    state TEXT NOT NULL,           -- open, incomplete, whole, quarantined, released
    code TEXT,
    detail TEXT,
    changed_ms INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX consignments_open ON consignments (history) WHERE state = 'open';
`;

/** Notes which receipts of consignments are due, beside the members' own. Part of a migration: never edit it. */
export const CONSIGNMENT_RECEIPTS = `
  CREATE TRIGGER receipt_of_consignment AFTER UPDATE OF state ON consignments
    WHEN NEW.state IS NOT OLD.state AND NEW.state IN ('released', 'quarantined', 'incomplete') BEGIN
    ${noteDue(`'${CONSIGNMENT_MARK}' || NEW.id`, 'NEW.tenant', '0')}
  END;
`;

/** What the receipt of a consignment says beside it. Times are wall clock, milliseconds. */
export interface ConsignmentReceiptSource {
  consignment: HighConsignment;
  seenMs: number;
  changedMs: number;
  sealedMs: number | null;
  keyId: string;
  label: string;
  /** What members were rejected for, each once. */
  rejectCodes: string[];
  /** Members that have been met, in the order of their numbers; the first so many. */
  members: { parts: string[]; path: string; publishedAs: string | null; sizeBytes: number; sha256: string }[];
}

/** Part of a migration: never edit it. */
export const CONSIGNMENTS_BY_NUMBER = 'CREATE INDEX consignments_by_number ON consignments (history, first_sequence);';

/**
 * How many members have been announced, and their bytes, kept beside the consignment: counting them anew for each of
 * thousands of envelopes took longer for each. Part of a migration: never edit it.
 */
export const CONSIGNMENT_COUNTS = `
  ALTER TABLE consignments ADD COLUMN known_objects INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE consignments ADD COLUMN known_size INTEGER NOT NULL DEFAULT 0;
  UPDATE consignments SET (known_objects, known_size) = (
    SELECT count(*), coalesce(sum(objects.size), 0) FROM objects JOIN payloads ON payloads.object = payload
      WHERE payloads.consignment = consignments.id);
`;

/**
 * Where folders are being built out of sight, or were: known also when the tenant is not configured any more. Part of a
 * migration: never edit it.
 */
export const FOLDERS_BUILT = `
  CREATE TABLE folders_built (
    consignment TEXT NOT NULL,
    storage_root TEXT NOT NULL,
    tenant_folder TEXT NOT NULL,
    parts TEXT NOT NULL,           -- JSON
    PRIMARY KEY (consignment, storage_root, tenant_folder)
  ) STRICT, WITHOUT ROWID;
`;

/** Of payloads: complete, and waiting for others of a consignment that is incomplete. */
export const IN_VAIN = `state = 'assembled' AND consignment IN (SELECT id FROM consignments WHERE state = 'incomplete')`;

/** Of assembled payloads: some of its objects have not been said to be incomplete. */
const UNSAID = `EXISTS (SELECT 1 FROM objects WHERE payload = payloads.object AND objects.state = 'verifying')`;

/** Of payloads: assembled, and not known to wait in vain. */
export const TO_RELEASE = `state = 'assembled' AND (consignment IS NULL OR ${UNSAID}
  OR consignment NOT IN (SELECT id FROM consignments WHERE state = 'incomplete'))`;

export class ConsignmentLedger {
  constructor(
    private readonly file: LedgerFile,
    private readonly now: () => number,
  ) {}

  get(id: string): HighConsignment | undefined {
    const row = this.file.get('SELECT * FROM consignments WHERE id = ?', id);
    return row && consignmentOf(row);
  }

  receiptSource(id: string): ConsignmentReceiptSource | undefined {
    const consignment = this.get(id);
    const members = this.file.all(
      `SELECT objects.*, payloads.sealed_ms, consignments.changed_ms AS decided_ms FROM objects
         JOIN payloads ON payloads.object = payload JOIN consignments ON consignments.id = consignment
         WHERE consignment = ? ORDER BY sequence LIMIT ?`,
      id,
      LIMITS.receiptMaxMembers,
    );
    const [first] = members;
    if (!consignment || !first) return undefined;
    return {
      consignment,
      seenMs: first.seen_ms as number,
      changedMs: first.decided_ms as number,
      sealedMs: first.sealed_ms as number | null,
      keyId: first.key_id as string,
      label: first.label as string,
      rejectCodes: this.file
        .all(
          `SELECT DISTINCT reject_code FROM objects JOIN payloads ON payloads.object = payload
             WHERE consignment = ? AND reject_code IS NOT NULL`,
          id,
        )
        .map((row) => row.reject_code as string),
      members: members.map((row) => ({
        parts: JSON.parse(row.parts as string) as string[],
        path: row.path as string,
        publishedAs: row.published_as as string | null,
        sizeBytes: row.size as number,
        sha256: row.sha256 as string,
      })),
    };
  }

  /** The consignment that the objects of a payload are members of. */
  ofPayload(payload: ObjectId): HighConsignment | undefined {
    const row = this.file.get(
      'SELECT consignments.* FROM payloads JOIN consignments ON consignments.id = consignment WHERE object = ?',
      payload,
    );
    return row && consignmentOf(row);
  }

  /**
   * Records what an envelope says of a consignment, and counts its members. False when it is not what the first envelope said, or when its
   * members together with the known ones are more than it can have: then nothing is recorded.
   */
  admit(history: string, announced: VerifiedConsignment, members: readonly VerifiedObject[]): boolean {
    const { id, tenant, root, parts, firstSequence, objects, sizeBytes } = announced;
    const known = this.get(id);
    const more = members.reduce((sum, member) => sum + member.sizeBytes, 0);
    if (known) {
      const { state: _, reason: __, ...first } = known;
      if (JSON.stringify(inOrder(first)) !== JSON.stringify(inOrder({ ...announced, history }))) return false;
      const isPossible = this.known(id).sizeBytes + more <= sizeBytes;
      if (isPossible) this.addKnown(id, members.length, more);
      return isPossible;
    }
    this.file.run(
      `INSERT INTO consignments (id, history, tenant, root, parts, first_sequence, objects, size, state, changed_ms)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'open', ?)`,
      id,
      history,
      tenant,
      root,
      JSON.stringify(parts),
      firstSequence,
      objects,
      sizeBytes,
      this.now(),
    );
    this.addKnown(id, members.length, more);
    return true;
  }

  private addKnown(id: string, objects: number, sizeBytes: number): void {
    this.file.run(
      'UPDATE consignments SET known_objects = known_objects + ?, known_size = known_size + ? WHERE id = ?',
      objects,
      sizeBytes,
      id,
    );
  }

  // ------------------------------------------------------------ how far it has come

  payloads(id: string): ObjectId[] {
    return this.file
      .all('SELECT object FROM payloads WHERE consignment = ? ORDER BY rowid', id)
      .map((row) => row.object as ObjectId);
  }

  /** Those of them that are there and not decided yet. */
  assembledPayloads(id: string): ObjectId[] {
    return this.file
      .all(`SELECT object FROM payloads WHERE consignment = ? AND state = 'assembled' ORDER BY rowid`, id)
      .map((row) => row.object as ObjectId);
  }

  /** Members that have been announced, and their bytes. */
  private known(id: string): { objects: number; sizeBytes: number } {
    const row = this.file.get('SELECT known_objects, known_size FROM consignments WHERE id = ?', id)!;
    return { objects: row.known_objects as number, sizeBytes: row.known_size as number };
  }

  /** All its payloads are there, and with them all members. */
  isWhole({ id, objects }: HighConsignment): boolean {
    if (this.known(id).objects !== objects) return false;
    const missing = this.file.get(
      `SELECT 1 FROM payloads WHERE consignment = ? AND state NOT IN ('assembled', 'closed') LIMIT 1`,
      id,
    );
    return !missing;
  }

  /** How many members have not arrived. */
  missing({ id, objects }: HighConsignment): number {
    const row = this.file.get(
      `SELECT count(*) AS n FROM objects JOIN payloads ON payloads.object = payload
         WHERE payloads.consignment = ? AND payloads.state = 'assembled'`,
      id,
    )!;
    return objects - (row.n as number);
  }

  /**
   * Open ones that lack members although the position has passed the last of them (or, when the link is silent, at all)
   * and nothing of them is on its way.
   */
  overdue(silent: boolean): HighConsignment[] {
    return this.file
      .all(
        `SELECT consignments.* FROM consignments JOIN histories ON histories.history = consignments.history
           WHERE state = 'open' AND (? OR accounted >= first_sequence + objects - 1) AND NOT EXISTS
             (SELECT 1 FROM payloads WHERE consignment = id AND payloads.state = 'assembling')`,
        silent ? 1 : 0,
      )
      .map(consignmentOf)
      .filter((one) => !this.isWhole(one));
  }

  /** The consignment a number belongs to, also when nothing of the member ever came. */
  ofNumber(history: string, sequence: number): HighConsignment | undefined {
    const row = this.file.get(
      'SELECT * FROM consignments WHERE history = ? AND first_sequence <= ? ORDER BY first_sequence DESC LIMIT 1',
      history,
      sequence,
    );
    const nearest = row && consignmentOf(row);
    return nearest && sequence <= lastSequence(nearest) ? nearest : undefined;
  }

  /** Of an incomplete one: another payload has been assembled since it was found to be that, or is on its way. */
  hasNews(id: string): boolean {
    const news = this.file.get(
      `SELECT 1 FROM payloads WHERE consignment = ? AND (state = 'assembling' OR state = 'assembled' AND ${UNSAID}) LIMIT 1`,
      id,
    );
    return news !== undefined;
  }

  /** Payloads that wait for others of an incomplete consignment, the oldest first: their room may be needed. */
  waitingInVain(): ObjectId[] {
    return this.file
      .all(`SELECT object FROM payloads WHERE ${IN_VAIN} ORDER BY changed_ms`)
      .map((row) => row.object as ObjectId);
  }

  // ------------------------------------------------------------ what is built out of sight

  /** To be called before anything is built: what is there is to be removed some day. */
  noteBuilding({ consignment, storageRoot, tenantFolder, parts }: FolderOrder): void {
    const sql = 'INSERT OR IGNORE INTO folders_built VALUES (?, ?, ?, ?)';
    this.file.run(sql, consignment, storageRoot, tenantFolder, JSON.stringify(parts));
  }

  /** Where something of it may lie: more than one place when its storage was moved meanwhile. */
  built(id: string): FolderOrder[] {
    return this.file.all('SELECT * FROM folders_built WHERE consignment = ?', id).map(folderOf);
  }

  /** The same of all that are decided, or not known any more: it is of no use. */
  leftBehind(): FolderOrder[] {
    return this.file
      .all(
        `SELECT * FROM folders_built WHERE consignment NOT IN
           (SELECT id FROM consignments WHERE state NOT IN ('released', 'quarantined'))`,
      )
      .map(folderOf);
  }

  /** Nothing of it lies there any more. */
  setRemoved({ consignment, storageRoot, tenantFolder }: FolderOrder): void {
    const sql = 'DELETE FROM folders_built WHERE consignment = ? AND storage_root = ? AND tenant_folder = ?';
    this.file.run(sql, consignment, storageRoot, tenantFolder);
  }

  // ------------------------------------------------------------ decisions

  /** Members that have arrived wait for the others, and say so. */
  setIncomplete(id: string, detail: string): void {
    this.move(id, 'incomplete', 'verifying', 'incomplete', { code: 'CONSIGNMENT_INCOMPLETE', detail });
  }

  /** Another payload of it is there. */
  setOpen(id: string): void {
    this.move(id, 'open', 'incomplete', 'verifying');
  }

  setWhole(id: string): void {
    this.move(id, 'whole', 'incomplete', 'verifying');
  }

  /** Whole, and its tenant is not served any more. */
  setHomeless(id: string, why: { code: string; detail: string }): void {
    this.move(id, 'whole', 'verifying', 'verifying', why);
  }

  setReleased(id: string): void {
    this.setState(id, 'released');
  }

  /** `reason` is what members say that were not rejected for their own sake. The first one stays. */
  setQuarantined(id: string, reason: { code: string; detail: string }): void {
    this.setState(id, 'quarantined', reason);
  }

  private setState(id: string, state: HighConsignmentState, reason?: { code: string; detail: string }): void {
    this.file.run(
      `UPDATE consignments SET state = ?, code = ?, detail = ?, changed_ms = ?
         WHERE id = ? AND state NOT IN ('quarantined', 'released')`,
      state,
      reason?.code ?? null,
      reason?.detail ?? null,
      this.now(),
      id,
    );
  }

  private move(
    id: string,
    state: HighConsignmentState,
    from: string,
    to: string,
    why?: { code: string; detail: string },
  ): void {
    this.file.transaction(() => {
      this.setState(id, state);
      this.file.run(
        `UPDATE objects SET state = ?, code = ?, detail = ?, changed_ms = ? WHERE state = ? AND payload IN
           (SELECT object FROM payloads WHERE consignment = ? AND payloads.state = 'assembled')`,
        to,
        why?.code ?? null,
        why?.detail ?? null,
        this.now(),
        from,
        id,
      );
    });
  }
}

/** Why the other members are quarantined with this one. */
export const because = ({ path }: { path: string }, { code }: { code: string }): { code: string; detail: string } => ({
  code: 'CONSIGNMENT_REFUSED',
  detail: `Because of "${path}" (${code}).`,
});

const inOrder = (value: object): [string, unknown][] => Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));

const folderOf = (row: Row): FolderOrder => ({
  consignment: row.consignment as string,
  storageRoot: row.storage_root as string,
  tenantFolder: row.tenant_folder as string,
  parts: JSON.parse(row.parts as string) as string[],
});

function consignmentOf(row: Row): HighConsignment {
  return {
    id: row.id as string,
    history: row.history as string,
    tenant: row.tenant as string,
    root: row.root as string,
    parts: JSON.parse(row.parts as string) as string[],
    firstSequence: row.first_sequence as number,
    objects: row.objects as number,
    sizeBytes: row.size as number,
    state: row.state as HighConsignmentState,
    reason: row.code === null ? null : { code: row.code as string, detail: row.detail as string },
  };
}
