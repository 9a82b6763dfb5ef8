/**
 * Intake of all tenants of one process: what they share, and their polls.
 *
 * Tenants are polled each at its own pace (FAULTS 60); whoever owns the process decides when (a notice of the file system
 * may only wake it earlier, FAULTS 32). There are no timers in here and the clock is an argument.
 */
import { LIMITS } from '../../shared/core/limits.js';
import { Copier } from './copier.js';
import type { Gateway, IntakeConfig, IntakeTools } from './gateway.js';
import type { Identity } from './identity.js';
import { type KnownEntry, keyOf } from './known.js';
import { Room } from './room.js';
import { type PollReport, type ShareReport, sumOf } from './round.js';
import type { Refusal } from './share.js';
import { Spool } from './spool.js';
import type { Quota, TenantShare } from './tenantDesk.js';
import { TenantIntake } from './tenantIntake.js';

export type { IntakeConfig, IntakeTools } from './gateway.js';

/** What a tenant's quota is, and what is left of it as far as the ledger knows. */
export interface QuotaRoom extends Quota {
  readonly leftBytes: number;
  readonly leftObjects: number;
}

export class Intake {
  private readonly gateway: Gateway;
  private readonly tenants = new Map<string, TenantIntake>();
  /** Of tenants that are not (any more) served: they may come back. */
  private readonly aside = new Map<string, TenantIntake | KnownEntry[]>();
  private readonly polls = new Map<string, Promise<ShareReport>>();
  private holdReason: string | null = null;
  private remembered = 0;

  /** Throws SPOOL_IO when the spool cannot be opened. */
  constructor(config: IntakeConfig, tools: IntakeTools) {
    const fsOption = tools.fs ? { fs: tools.fs } : {};
    const packMaxFileBytes = config.packMaxFileBytes ?? 256 * 1024;
    const { symbolBytes, blockSymbols } = config;
    this.gateway = {
      config: {
        ...config,
        batchMaxFiles: config.batchMaxFiles ?? 256,
        batchMaxBytes: config.batchMaxBytes ?? 64 * 1024 * 1024,
        packMaxFileBytes,
        inlineMaxFileBytes: Math.max(config.inlineMaxFileBytes ?? 16 * 1024 * 1024, packMaxFileBytes),
      },
      tools,
      spool: new Spool(config.spoolDir, { packMaxFileBytes, ...fsOption }),
      room: new Room(),
      copier: new Copier(),
      fsOption,
      snapshotOptions: { symbolBytes, blockSymbols, packMaxFileBytes, ...fsOption },
      heldBack: () => this.heldBack(),
      at: (tenant) => {
        if (tenant !== '') this.remembered = this.countRemembered();
        tools.at?.(tenant);
      },
    };
    for (const entry of tools.known ?? []) {
      const entries = this.aside.get(entry.tenant) as KnownEntry[] | undefined;
      if (entries) entries.push(entry);
      else this.aside.set(entry.tenant, [entry]);
    }
    this.setTenants(config.tenants);
  }

  /** Whether this file lies in the tenant's share as it was, for all that is known: yes when it cannot be told. */
  mayLie(tenant: string, rawPath: Uint8Array, identity: Identity | undefined): boolean {
    const served = this.tenants.get(tenant);
    if (!served || !identity) return true;
    return served.desk.known.stateOf(keyOf(rawPath), identity) !== undefined;
  }

  get names(): string[] {
    return [...this.tenants.keys()];
  }

  /**
   * With a reason nothing is taken (the spool has reached its high-water mark); null goes on, with room for so many bytes
   * beyond what onBatch() has answered for. Tenants that are not named have no quota. Acts at once.
   */
  hold(
    reason: string | null,
    roomBytes = Number.POSITIVE_INFINITY,
    quotas: Readonly<Record<string, QuotaRoom>> = {},
  ): void {
    this.holdReason = reason;
    this.gateway.room.grant(roomBytes);
    for (const [name, tenant] of this.tenants) {
      const quota = Object.hasOwn(quotas, name) ? quotas[name]! : BOUNDLESS;
      tenant.desk.quota = quota;
      tenant.desk.room.grant(quota.leftBytes, quota.leftObjects);
    }
  }

  /** Serves exactly these from now on. What is known of a tenant stays known, also while it is not served. */
  setTenants(shares: readonly TenantShare[]): void {
    for (const [name, tenant] of this.tenants) {
      if (shares.some((share) => share.name === name)) continue;
      this.tenants.delete(name);
      this.aside.set(name, tenant);
    }
    for (const share of shares) {
      const now = this.tenants.get(share.name);
      const before = this.aside.get(share.name);
      this.aside.delete(share.name);
      const tenant = now ?? (before instanceof TenantIntake ? before : new TenantIntake(share, this.gateway));
      if (Array.isArray(before)) for (const entry of before) tenant.desk.known.load(entry);
      tenant.change(share);
      this.tenants.set(share.name, tenant);
    }
  }

  /** Walks one tenant's share once. A second call waits for the first. */
  pollTenant(name: string): Promise<ShareReport> {
    const tenant = this.tenants.get(name)!;
    const before = this.polls.get(name);
    const turn = before
      ? before.then(
          () => tenant.poll(),
          () => tenant.poll(),
        )
      : tenant.poll();
    this.polls.set(name, turn);
    const done = () => {
      if (this.polls.get(name) === turn) this.polls.delete(name);
    };
    turn.then(done, done);
    return turn;
  }

  /** Walks every share once. */
  async poll(): Promise<PollReport> {
    const { clock } = this.gateway.tools;
    const startMs = clock.monotonicMs();
    const polled = await Promise.allSettled(
      this.names.map(async (name) => [name, await this.pollTenant(name)] as const),
    );
    const reports = polled.map((result) => {
      if (result.status === 'rejected') throw result.reason;
      return result.value;
    });
    return sumOf(new Map(reports), clock.monotonicMs() - startMs);
  }

  /** Resolves when nothing is being taken beside the polls. */
  async idle(): Promise<void> {
    await Promise.all([...this.tenants.values()].map((tenant) => tenant.idle()));
  }

  /** Tenants of whose large file nothing has been copied for so long. */
  stuckCopies(nowMs: number, limitMs: number): string[] {
    return this.gateway.copier.stuck(nowMs, limitMs);
  }

  /** Entries that are kept in mind. */
  countRemembered(): number {
    let sum = 0;
    for (const { desk } of this.tenants.values()) sum += desk.known.size;
    return sum;
  }

  async close(): Promise<void> {
    this.gateway.spool.close();
    await this.gateway.copier.close();
  }

  private heldBack(): Refusal | null {
    if (this.holdReason !== null) return { code: 'SPOOL_FULL', detail: this.holdReason };
    const { remembered } = this;
    if (remembered < LIMITS.intakeMaxEntries) return null;
    return { code: 'INTAKE_CROWDED', detail: `${remembered} files are known.` };
  }
}

const { POSITIVE_INFINITY: NONE } = Number;
const BOUNDLESS: QuotaRoom = { bytes: NONE, objects: NONE, leftBytes: NONE, leftObjects: NONE };
