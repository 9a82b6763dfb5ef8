/** Started by `sluice tenants check --side low`: reads configuration, tenants and policies as the low side would. */
import { formatSize } from '../shared/core/units.js';
import { assertSecretFile } from '../shared/crypto/keyfiles.js';
import { CheckReport, folderTrouble, isOpenToAll, onOneFileSystem } from '../shared/ops/config/checkReport.js';
import type { LowConfig, LowTenant } from '../shared/ops/config/load.js';
import { OBJECT_SIZE_DEFAULT } from '../shared/ops/config/schema.js';
import { writeDuration } from '../shared/ops/config/settings.js';
import { loadLowSettings } from './settings.js';
import type { TenantRules } from './work/stages.js';

const AFTER_SENT = { move: 'moved to', keep: 'left where it is', delete: 'deleted' } as const;

function check(report: CheckReport, file: string, stateDir: string | undefined): void {
  const { problems } = report;
  const settings = report.attempt(() => loadLowSettings(file, { stateDir, problems }));
  if (!settings) return;
  const { config, rules } = settings;
  const { keys, queues } = config;
  for (const path of [keys.signing, keys.link, queues.redisPasswordFile, queues.sentinelPasswordFile]) {
    if (path !== undefined) report.attempt(() => assertSecretFile(path), path);
  }
  for (const tenant of config.tenants) {
    report.tenant(tenant.name, wordsOf(tenant, rules.get(tenant.name)!, config));
    warn(report, tenant, rules.get(tenant.name)!, config);
  }
  const { tenants } = config;
  if (tenants.length > 1 && tenants.every(({ priority }) => priority === 'urgent')) {
    report.warn('priority', 'every tenant is urgent, so none goes before another');
  }
}

function wordsOf(tenant: LowTenant, { policy }: TenantRules, config: LowConfig): [string, string][] {
  const { share, accepted, afterSent, receipts, receiptsFor, label, names, quota, priority, retention, weight } =
    tenant;
  const then = afterSent === 'move' ? `${AFTER_SENT.move} ${accepted}` : AFTER_SENT[afterSent];
  const most = Math.min(tenant.maxObjectSize, policy.maxObjectBytes);
  const rivals = config.tenants.filter((other) => other.priority === priority);
  const percent = Math.round((100 * weight) / rivals.reduce((sum, other) => sum + other.weight, 0));
  return [
    ['share', `${share}; once sent, a file is ${then}`],
    [
      'receipts',
      receiptsFor === 'none' ? 'none' : `${receipts}, for ${receiptsFor === 'all' ? 'everything' : receiptsFor}`,
    ],
    ['allowed', `${typesOf(tenant, policy)}, ${names} names, up to ${formatSize(most)}, policy ${policy.name}`],
    ['label', label],
    ['quota', quotaOf(quota)],
    ['link', `${priority}, weight ${weight}: ${percent} % of what ${priority} tenants get when all of them send`],
    ['kept', `${writeDuration(retention)} after it was sent, to be sent again`],
  ];
}

function typesOf({ types }: LowTenant, { allowedTypes }: TenantRules['policy']): string {
  const own = types.includes('*/*') ? undefined : types.join(', ');
  const policys = allowedTypes === 'any' ? undefined : allowedTypes.join(', ');
  if (own && policys) return `types ${own} that are also among ${policys}`;
  return own || policys ? `types ${own ?? policys}` : 'any type';
}

function quotaOf({ bytes, objects }: LowTenant['quota']): string {
  const parts = [
    ...(bytes === undefined ? [] : [formatSize(bytes)]),
    ...(objects === undefined ? [] : [`${objects} objects`]),
  ];
  return parts.length === 0 ? 'none' : `${parts.join(' and ')} taken and not yet sent`;
}

function warn(report: CheckReport, tenant: LowTenant, { policy }: TenantRules, { spool }: LowConfig): void {
  const { name, share, accepted, afterSent, receipts, receiptsFor, quota, maxObjectSize } = tenant;
  const say = (words: string) => report.warn(name, words);
  const look = (what: string, path: string, wanted: 'read' | 'write') => {
    const trouble = folderTrouble(path, wanted);
    if (trouble !== undefined) say(`${what} ${path}: ${trouble}`);
  };
  look('share', share, afterSent === 'keep' ? 'read' : 'write');
  if (isOpenToAll(share)) say(`share ${share}: anybody on this machine can write there`);
  if (afterSent === 'move') {
    if (onOneFileSystem(share, accepted) === false) {
      say(`accepted ${accepted}: it is on another file system than the share, so sent files stay in the share`);
    }
  }
  if (receiptsFor !== 'none' && folderTrouble(receipts, 'write')?.includes('may not'))
    look('receipts', receipts, 'write');
  const most = Math.min(maxObjectSize, policy.maxObjectBytes);
  // A bound that nobody has thought about contradicts nothing.
  const isChosen = most !== OBJECT_SIZE_DEFAULT;
  if (quota.bytes === undefined && quota.objects === undefined) say('it has no quota, so it alone can fill the spool');
  else if (isChosen && quota.bytes !== undefined && quota.bytes < most) {
    say(`a file may have ${formatSize(most)}, and its quota is ${formatSize(quota.bytes)}: larger ones are refused`);
  }
  if (isChosen && most > spool.highWater) {
    say(
      `a file may have ${formatSize(most)}, and spool.highWater is ${formatSize(spool.highWater)}: larger ones wait until all else is sent`,
    );
  }
}

const [file, stateDir, format] = process.argv.slice(2);
const report = new CheckReport(file!);
check(report, file!, stateDir === '' ? undefined : stateDir);
process.exitCode = report.write(
  format === 'json',
  (line) => process.stdout.write(`${line}\n`),
  (line) => process.stderr.write(`${line}\n`),
);
