/** What each process of the low side is told at its start, out of the configuration. */
import { mkdirSync } from 'node:fs';
import { toHex } from '../shared/core/bytes.js';
import { readLinkKey } from '../shared/crypto/keyfiles.js';
import { symbolBytesForMtu } from '../shared/ops/config/derive.js';
import { type LoadOptions, type LowConfig, loadLowConfig } from '../shared/ops/config/load.js';
import { OPEN_POLICY } from '../shared/ops/config/schema.js';
import type { LinkParameters } from '../shared/wire/statements.js';
import type { IntakeStart, IntakeTenant } from './intake/messages.js';
import type { LowLedger } from './ledger/ledger.js';
import type { LowReceiptRules } from './receipts/facts.js';
import { loadPolicy, openPolicy, type Policy } from './scan/policy.js';
import type { SenderSettings, TenantClaims } from './send/orders.js';
import type { TenantRules } from './work/stages.js';

/** How objects are coded for this link. */
export function codingParameters({ link }: LowConfig): { symbolBytes: number; blockSymbols: number } {
  return { symbolBytes: symbolBytesForMtu(link.mtu), blockSymbols: link.blockSymbols };
}

/** The configuration of the low side, and the rules of its tenants. */
export interface LowSettings {
  config: LowConfig;
  rules: Map<string, TenantRules>;
}

/** Reads configuration, tenants and policies. Throws CONFIG_UNREADABLE, CONFIG_INVALID, CONFIG_EXPOSED, KEY_EXPOSED. */
export function loadLowSettings(configFile: string, options: LoadOptions): LowSettings {
  const config = loadLowConfig(configFile, options);
  const read = new Map<string, Policy>([[OPEN_POLICY, openPolicy]]);
  const policyOf = (policy: string): Policy => {
    const known = read.get(policy) ?? loadPolicy(policy, options);
    read.set(policy, known);
    return known;
  };
  const rules = config.tenants.map(({ name, label, policy, types }): [string, TenantRules] => [
    name,
    { label, policy: { ...policyOf(policy), tenantTypes: types } },
  ]);
  return { config, rules: new Map(rules) };
}

/**
 * Makes the shares that are not there, but nothing above them: a file system that is not mounted must not be mistaken for
 * an empty one. Where that fails intake says so again and again, and goes on as soon as the share is there.
 */
export function makeShares({ tenants }: LowConfig): void {
  for (const { share } of tenants) {
    try {
      mkdirSync(share, { mode: 0o770 });
    } catch {
      // There already, or told by intake.
    }
  }
}

/** What the scan of each tenant must do. */
export const policiesOf = (rules: ReadonlyMap<string, TenantRules>): Record<string, Policy> =>
  Object.fromEntries([...rules].map(([name, { policy }]) => [name, policy]));

/** Filters that each tenant's objects must have passed to be sealed. */
export const requiredFilters = (rules: ReadonlyMap<string, TenantRules>): Record<string, string[]> =>
  Object.fromEntries([...rules].map(([name, { policy }]) => [name, [...policy.requiredFilters]]));

/** What heartbeats announce. */
export function linkParameters(config: LowConfig): LinkParameters {
  const { overhead, rate, interleave, heartbeatInterval } = config.link;
  const overheadPpm = Math.round(overhead * 1_000_000);
  return { ...codingParameters(config), overheadPpm, rateBps: rate, interleave, heartbeatMs: heartbeatInterval };
}

/** What each tenant may ask of the link. */
export function tenantClaims({ tenants }: LowConfig): TenantClaims {
  return Object.fromEntries(tenants.map(({ name, priority, weight }) => [name, { priority, weight }]));
}

export function senderSettings(config: LowConfig, session: string, paused: boolean): SenderSettings {
  const { link, keys } = config;
  return {
    targetHost: link.target.host,
    targetPort: link.target.port,
    sourceHost: link.source.host,
    sourcePort: link.source.port,
    transport: link.transport,
    linkKey: toHex(readLinkKey(keys.link)),
    session,
    parameters: linkParameters(config),
    repairFloor: link.repairFloor,
    edgePadding: link.edgePadding,
    closingDelayMs: link.closingDelay,
    guardSymbols: link.guardSymbols,
    claims: tenantClaims(config),
    paused,
  };
}

/** Whose shares intake looks at, and how. */
export function intakeTenants(tenants: LowConfig['tenants'], rules: ReadonlyMap<string, TenantRules>): IntakeTenant[] {
  return tenants.map(({ name, share, names, maxObjectSize, accepted, afterSent }) => {
    const { policy } = rules.get(name)!;
    return {
      name,
      share,
      // Where tenant and policy differ, the stricter one counts.
      names: policy.names === 'portable' ? 'portable' : names,
      maxObjectBytes: Math.min(maxObjectSize, policy.maxObjectBytes),
      accepted,
      afterSent,
    };
  });
}

export function intakeSettings(
  config: LowConfig,
  rules: ReadonlyMap<string, TenantRules>,
  ledger: LowLedger,
  spoolDir: string,
): Omit<IntakeStart, 'whereaboutsFile' | 'firstBatch'> {
  const { tenants, intake, link } = config;
  return {
    tenants: intakeTenants(tenants, rules),
    spoolDir,
    pollMs: intake.pollInterval,
    holdMs: intake.holdTime,
    consignmentHoldMs: intake.consignmentHold,
    incompleteSuffixes: intake.incompleteSuffixes,
    batchMaxFiles: intake.batchFiles,
    batchMaxBytes: intake.batchSize,
    packMaxFileBytes: link.bundleMaxFile,
    ...codingParameters(config),
    keepSpoolFiles: [...ledger.spoolFiles()],
    known: ledger.known(),
  };
}

/** What receipts are reckoned with. */
export function receiptRules({ link, tenants, spool }: LowConfig): LowReceiptRules {
  const { overhead, repairFloor, assumedLoss } = link;
  const retentionOf = (tenant: string) => tenants.find(({ name }) => name === tenant)?.retention ?? spool.retention;
  return { overhead, repairFloor, assumedLoss, retentionOf };
}
