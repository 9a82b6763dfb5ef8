/** Every key of the high side: kind, bounds, default and meaning. Unknown keys are refused. */
import { z } from 'zod';
import { LIMITS } from '../../core/limits.js';
import {
  alarms,
  linkKey,
  log,
  maxObjectSize,
  minFree,
  mtu,
  namesRule,
  operatorConsole,
  PATH,
  queues,
  quota,
  receiptsFor,
  retention,
  tenantName,
  tenantsDir,
  transport,
  types,
} from './schema-common.js';
import {
  duration,
  durationOrElse,
  endpointText,
  pathText,
  plainText,
  SETTINGS,
  size,
  writeEndpoint,
  writeSize,
} from './settings.js';

/** The high side; relative paths are against `baseDir`. */
export function highSchema(baseDir: string) {
  const tenant = z.strictObject({
    name: tenantName(),
    storage: pathText(baseDir)
      .optional()
      .register(SETTINGS, {
        ...PATH,
        meaning: 'Folder that released objects of the tenant are published in.',
        fallback: 'a folder with the name of the tenant in `storageRoot`',
      }),
    receipts: pathText(baseDir)
      .optional()
      .register(SETTINGS, {
        ...PATH,
        meaning: 'Folder that receipts for the tenant are written to; outside every storage.',
        fallback: '`receipts/` and the name of the tenant, in the folder above its storage',
      }),
    receiptsFor: receiptsFor(),
    labels: z
      .array(plainText(LIMITS.manifestMaxTextBytes))
      .min(1)
      .max(256)
      .prefault(['unclassified'])
      .register(SETTINGS, {
        meaning: 'Classification labels that are released to this tenant; any other is quarantined.',
        unit: 'list of texts',
        allowed: `a list of 1 to 256 texts of at most ${LIMITS.manifestMaxTextBytes} bytes`,
        fallback: '[unclassified]',
      }),
    requiredFilters: z
      .array(plainText(LIMITS.manifestMaxTextBytes))
      .max(LIMITS.manifestMaxFilters)
      .prefault(['type', 'archive'])
      .register(SETTINGS, {
        meaning: 'Filters whose verdict a manifest must carry to be released.',
        unit: 'list of texts',
        allowed: `a list of at most ${LIMITS.manifestMaxFilters} names of filters`,
        fallback: '[type, archive]',
      }),
    names: namesRule(),
    maxObjectSize: maxObjectSize('`assembly.spoolMax` is less'),
    types: types(
      'Media types that are released to this tenant, as the manifest names them; any other is quarantined. This side does not look into the bytes itself: it holds the low side to what it says.',
    ),
    quota: quota('in assembly and waiting to be released'),
    retention: durationOrElse(
      '`retention.quarantine`',
      '0ms',
      '3650d',
      'How long quarantined and incomplete bytes of the tenant are kept.',
    ),
  });
  const trusted = z.union([pathText(baseDir), z.array(pathText(baseDir)).min(1).max(LIMITS.trustedMaxKeys)]);
  return z.strictObject({
    tenants: z.array(tenant).min(1).max(LIMITS.configMaxTenants),
    tenantsDir: tenantsDir(baseDir),
    storageRoot: pathText(baseDir)
      .optional()
      .register(SETTINGS, {
        ...PATH,
        meaning: 'Folder in which tenants without a `storage` of their own get theirs.',
        fallback: 'none; then every tenant needs `storage`',
      }),
    keys: z.strictObject({
      trusted: trusted.register(SETTINGS, {
        meaning: 'Public keys of the low sides whose seal counts: a folder with `.pub` files, or a list of files.',
        unit: 'path or list of paths',
        allowed: `a path to a folder, or a list of 1 to ${LIMITS.trustedMaxKeys} paths to public key files`,
      }),
      link: linkKey(baseDir),
    }),
    link: z.strictObject({
      listen: endpointText({ min: 0, optional: false }).register(SETTINGS, {
        meaning: 'Where datagrams are received. Port 0 is chosen by the system.',
        unit: 'address:port',
        allowed: 'an IPv4 address of this machine and a port from 0 to 65535, such as 10.0.0.2:5000',
        write: writeEndpoint,
      }),
      mtu: mtu(),
      receiveBuffer: size(
        '64MiB',
        '64KiB',
        '1GiB',
        'Receive buffer asked of the kernel; what it really gives is shown at start.',
      ),
      reorderWindow: duration(
        '2s',
        '0ms',
        '1h',
        'How long after the announced position has passed a transfer it may still complete before it counts as incomplete.',
      ),
      silence: duration('10s', '100ms', '30d', 'After how long without a frame the link counts as silent.'),
      transport: transport(),
    }),
    assembly: z.strictObject({
      memory: size(
        writeSize(LIMITS.assemblyBytes),
        writeSize(2 * LIMITS.blockMaxBytes),
        '1TiB',
        'Source blocks kept in memory, all together; beyond it the least recently fed go to the spool.',
      ),
      orphans: size(
        writeSize(LIMITS.orphanBytes),
        '0B',
        '1TiB',
        'Symbols kept of payloads whose manifest has not arrived yet, all together.',
      ),
      spoolMax: size(
        '256GiB',
        '1MiB',
        '1024TiB',
        'Announced bytes of all payloads that are being assembled or wait to be released; a payload that is larger by itself is refused.',
      ),
      minFree: minFree(),
      decoders: z.int().min(1).max(64).optional().register(SETTINGS, {
        meaning: 'Threads that rebuild lost symbols, check blocks and write them.',
        unit: 'threads',
        allowed: 'a whole number from 1 to 64',
        fallback: 'one for each processor beyond the second; from 1 to 4',
      }),
    }),
    queues: queues(baseDir),
    console: operatorConsole(),
    alarms: alarms(),
    retention: retention(),
    log: log(),
  });
}
