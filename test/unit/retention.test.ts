/** Bytes of what went no further: kept as long as the configuration says, removed with a note, never in silence. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { HighLedger, type HighPayload } from '../../egress/ledger/ledger.js';
import { HighRetention } from '../../egress/work/retention.js';
import { LowLedger } from '../../ingress/ledger/ledger.js';
import { LIMITS } from '../../shared/core/limits.js';
import type { HighConfig } from '../../shared/ops/config/load.js';
import { QuarantineKeeper } from '../../shared/ops/ledger/keptBytes.js';
import { memoryFolder, newFolder, removeFolders } from '../support/folders.js';
import { manifests, objectId, taken, transferId, verified } from '../support/ledgers.js';

const HOUR_MS = 3_600_000;
const LOOK_MS = 60_000;

describe('retention', () => {
  let folder: string;
  let quarantine: string;
  let nowMs: number;
  let said: string[];
  const alarm = (code: string, words: string) => void said.push(`${code} ${words}`);
  const keep = (transfer: string) => {
    for (const kind of ['bytes', 'json']) writeFileSync(join(quarantine, `${transfer}.${kind}`), 'kept');
  };
  const kept = () => new Set(readdirSync(quarantine).map((name) => name.split('.')[0]));

  beforeEach(() => {
    folder = newFolder(memoryFolder());
    quarantine = join(folder, 'quarantine');
    mkdirSync(quarantine);
    nowMs = 1_000 * HOUR_MS;
    said = [];
  });
  afterEach(removeFolders);

  describe('of the low side’s quarantine', () => {
    let ledger: LowLedger;
    let keeper: QuarantineKeeper;
    const retention: Record<string, number> = { demo: HOUR_MS, slow: 10 * HOUR_MS };

    beforeEach(() => {
      ledger = new LowLedger(join(folder, 'ledger.sqlite'), () => nowMs);
      keeper = new QuarantineKeeper({
        books: ledger.keptBytes,
        folder: quarantine,
        retentionOf: (tenant) => retention[tenant]!,
        shortest: () => HOUR_MS,
        alarm,
      });
    });
    afterEach(() => ledger.close());

    const refuse = (name: string, tenant = 'demo', withBytes = true): string => {
      const object = taken(name, { tenant });
      ledger.addTaken([object]);
      ledger.setState(object.transfer, 'refused', 'SCAN_CRASHED', '');
      if (withBytes) keep(object.transfer);
      return object.transfer;
    };

    it('removes bytes and note after the time of the tenant, says so, and the ledger still knows the object', () => {
      const old = refuse('old');
      nowMs += HOUR_MS / 2;
      const young = refuse('young');
      const slow = refuse('slow', 'slow');
      nowMs += HOUR_MS / 2;
      keeper.look(nowMs);
      expect(kept()).to.deep.equal(new Set([young, slow]));
      expect(said).to.deep.equal(['BYTES_EXPIRED demo: the bytes of 1 objects, after 1 h.']);
      expect(ledger.object(old)).to.include({ state: 'refused', code: 'SCAN_CRASHED' });
      nowMs += 20 * HOUR_MS;
      keeper.look(nowMs);
      expect(kept()).to.deep.equal(new Set());
      expect(said).to.have.length(3);
      nowMs += LOOK_MS;
      keeper.look(nowMs);
      expect(said, 'said once').to.have.length(3);
    });

    it('keeps what is neither refused nor its own', () => {
      const waiting = taken('waiting');
      ledger.addTaken([waiting]);
      keep(waiting.transfer);
      writeFileSync(join(quarantine, 'README'), '');
      nowMs += 1_000 * HOUR_MS;
      keeper.look(nowMs);
      expect(kept()).to.deep.equal(new Set([waiting.transfer, 'README']));
    });

    it('what never had bytes is noted in silence', () => {
      refuse('in the share', 'demo', false);
      nowMs += 2 * HOUR_MS;
      keeper.look(nowMs);
      expect(said).to.deep.equal([]);
      expect(ledger.keptBytes.before(nowMs, 10, 0)).to.deep.equal([]);
    });

    it('a crash between the bytes and the ledger is made good', () => {
      const transfer = refuse('old');
      nowMs += 2 * HOUR_MS;
      const { books, ...rest } = (keeper as unknown as { tools: ConstructorParameters<typeof QuarantineKeeper>[0] })
        .tools;
      let crash = true;
      const crashing = new QuarantineKeeper({
        ...rest,
        books: Object.assign(Object.create(books) as typeof books, {
          setGone: (...all: Parameters<typeof books.setGone>) => {
            if (crash) throw new Error('power failure');
            books.setGone(...all);
          },
        }),
      });
      expect(() => crashing.look(nowMs)).to.throw('power failure');
      expect(kept().has(transfer)).to.equal(false);
      crash = false;
      crashing.look(nowMs + LOOK_MS);
      expect(ledger.keptBytes.before(nowMs, 10, 0)).to.deep.equal([]);
    });

    it('many go some at a time, also behind those that are kept longer', () => {
      const most = LIMITS.quarantineRemovedAtOnce;
      ledger.transaction(() => {
        for (let i = 0; i < most; i++) refuse(`slow${i}`, 'slow', false);
        nowMs += 1;
        for (let i = 0; i < most + 100; i++) refuse(`${i}`, 'demo', false);
      });
      nowMs += 2 * HOUR_MS;
      keeper.look(nowMs);
      expect(ledger.keptBytes.before(nowMs, 10_000, 0)).to.have.length(most + 100);
      keeper.look(nowMs);
      expect(ledger.keptBytes.before(nowMs, 10_000, 0)).to.have.length(most);
    });
  });

  describe('of the high side', () => {
    let ledger: HighLedger;
    let expired: string[];
    let retention: HighRetention;
    const quiet = new Map<string, number>();

    beforeEach(() => {
      ledger = new HighLedger(join(folder, 'ledger.sqlite'), () => nowMs);
      expired = [];
      quiet.clear();
      retention = new HighRetention({
        config: {
          tenants: [{ name: 'demo', retention: HOUR_MS }],
          retention: { quarantine: 5 * HOUR_MS },
        } as HighConfig,
        ledger,
        stages: {
          expire: ({ object }: HighPayload) => {
            expired.push(object);
            ledger.setExpired(object, true);
          },
        },
        quarantineDir: quarantine,
        alarm,
      });
    });
    afterEach(() => ledger.close());
    const look = () => retention.look(nowMs, (payload) => quiet.get(payload));

    it('removes quarantined bytes: of a tenant after its own time, of a stranger after that of all', () => {
      ledger.admit('e1', manifests(1, [verified(1)]));
      ledger.admit('e2', manifests(2, [verified(2, { tenant: 'stranger' })]));
      for (const n of [1, 2]) {
        ledger.setState(transferId(n), 'quarantined', 'VERIFY_TENANT_UNKNOWN', '');
        keep(transferId(n));
      }
      nowMs += HOUR_MS;
      look();
      expect(kept()).to.deep.equal(new Set([transferId(2)]));
      nowMs += 4 * HOUR_MS;
      look();
      expect(kept()).to.deep.equal(new Set());
      expect(said).to.have.length(2);
    });

    it('gives up what arrived of incomplete payloads, unless it is being fed again', () => {
      ledger.admit('e1', manifests(1, [verified(1), verified(2, { offset: 1000 })]));
      ledger.admit('e2', manifests(2, [verified(3)]));
      for (const n of [1, 2]) ledger.setPayload(objectId(n), 'incomplete', 'incomplete', 'TRANSFER_INCOMPLETE');
      nowMs += HOUR_MS;
      quiet.set(objectId(2), 1_000);
      look();
      expect(expired).to.deep.equal([objectId(1)]);
      expect(said).to.deep.equal([
        `BYTES_EXPIRED demo: what had arrived of 2 incomplete objects (payload ${objectId(1)}), after 1 h.`,
      ]);
      expect(ledger.payload(objectId(1))).to.include({ state: 'incomplete', isExpired: true });
      nowMs += LOOK_MS;
      quiet.set(objectId(2), HOUR_MS);
      look();
      expect(expired, 'each once').to.deep.equal([objectId(1), objectId(2)]);
    });
  });
});
