/** Started by `sluice tenants check --side high`: reads configuration, tenants and keys as the high side would. */
import { formatSize } from '../shared/core/units.js';
import { assertSecretFile, readTrustedKeys } from '../shared/crypto/keyfiles.js';
import { CheckReport, folderTrouble, isOpenToAll } from '../shared/ops/config/checkReport.js';
import { type HighConfig, type HighTenant, loadHighConfig } from '../shared/ops/config/load.js';
import { OBJECT_SIZE_DEFAULT } from '../shared/ops/config/schema.js';
import { writeDuration } from '../shared/ops/config/settings.js';

function check(report: CheckReport, file: string, stateDir: string | undefined): void {
  const { problems } = report;
  const config = report.attempt(() => loadHighConfig(file, { stateDir, problems }));
  if (!config) return;
  const { keys, queues } = config;
  for (const path of [keys.link, queues.redisPasswordFile, queues.sentinelPasswordFile]) {
    if (path !== undefined) report.attempt(() => assertSecretFile(path), path);
  }
  report.attempt(() => readTrustedKeys(keys.trusted), [keys.trusted].flat()[0]);
  for (const tenant of config.tenants) {
    report.tenant(tenant.name, wordsOf(tenant));
    warn(report, tenant, config);
  }
}

function wordsOf(tenant: HighTenant): [string, string][] {
  const { storage, receipts, receiptsFor, labels, types, names, maxObjectSize, requiredFilters, quota, retention } =
    tenant;
  const anything = types.includes('*/*') ? 'any type' : `types ${types.join(', ')} (as the low side says)`;
  const bounds = [
    ...(quota.bytes === undefined ? [] : [formatSize(quota.bytes)]),
    ...(quota.objects === undefined ? [] : [`${quota.objects} objects`]),
  ];
  return [
    ['storage', storage],
    [
      'receipts',
      receiptsFor === 'none' ? 'none' : `${receipts}, for ${receiptsFor === 'all' ? 'everything' : receiptsFor}`,
    ],
    ['allowed', `${anything}, ${names} names, up to ${formatSize(maxObjectSize)}`],
    ['labels', labels.join(', ')],
    ['checks', requiredFilters.length === 0 ? 'none' : requiredFilters.join(', ')],
    ['quota', bounds.length === 0 ? 'none' : `${bounds.join(' and ')} in assembly and waiting to be released`],
    ['kept', `${writeDuration(retention)} what is quarantined or incomplete`],
  ];
}

function warn(report: CheckReport, tenant: HighTenant, { assembly }: HighConfig): void {
  const { name, storage, receipts, receiptsFor, requiredFilters, quota, maxObjectSize } = tenant;
  const say = (words: string) => report.warn(name, words);
  const trouble = folderTrouble(storage, 'write');
  if (trouble !== undefined) say(`storage ${storage}: ${trouble}`);
  if (isOpenToAll(storage)) say(`storage ${storage}: anybody on this machine can write there`);
  const unwritable = folderTrouble(receipts, 'write');
  if (receiptsFor !== 'none' && unwritable?.includes('may not')) say(`receipts ${receipts}: ${unwritable}`);
  if (requiredFilters.length === 0)
    say('requiredFilters is empty, so objects are released without any check by the low side');
  if (quota.bytes === undefined && quota.objects === undefined) say('it has no quota');
  else if (maxObjectSize !== OBJECT_SIZE_DEFAULT && quota.bytes !== undefined && quota.bytes < maxObjectSize) {
    say(`an object may have ${formatSize(maxObjectSize)}, and its quota is ${formatSize(quota.bytes)}`);
  }
  if (quota.bytes !== undefined && quota.bytes > assembly.spoolMax) {
    say(`its quota is ${formatSize(quota.bytes)}, and assembly.spoolMax is ${formatSize(assembly.spoolMax)}`);
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
