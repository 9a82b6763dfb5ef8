/** Every key of the low side: kind, bounds, default and meaning. Unknown keys are refused. */
import { z } from 'zod';
import { LIMITS } from '../../core/limits.js';
import {
  alarms,
  BLOCK_SYMBOLS_DEFAULT,
  linkKey,
  log,
  maxObjectSize,
  minFree,
  mtu,
  namesRule,
  OPEN_POLICY,
  operatorConsole,
  PATH,
  queues,
  quota,
  receiptsFor,
  retention,
  secretPath,
  tenantName,
  tenantsDir,
  transport,
  types,
} from './schema-common.js';
import {
  choice,
  count,
  duration,
  durationOrElse,
  endpointText,
  pathText,
  plainText,
  rate,
  ratio,
  SETTINGS,
  size,
  writeEndpoint,
  writeSize,
} from './settings.js';

/** The low side; relative paths are against `baseDir`. Defaults that depend on other keys are filled in by resolve.ts. */
export function lowSchema(baseDir: string) {
  const tenant = z.strictObject({
    name: tenantName(),
    share: pathText(baseDir).register(SETTINGS, { ...PATH, meaning: 'Folder the tenant drops files into.' }),
    accepted: pathText(baseDir)
      .optional()
      .register(SETTINGS, {
        ...PATH,
        meaning: 'Folder that sent originals are moved to; outside every share.',
        fallback: '`accepted/` and the name of the share, in the folder above it',
      }),
    receipts: pathText(baseDir)
      .optional()
      .register(SETTINGS, {
        ...PATH,
        meaning: 'Folder that receipts for the tenant are written to; outside every share.',
        fallback: '`receipts/` and the name of the share, in the folder above it',
      }),
    receiptsFor: receiptsFor(),
    afterSent: choice(
      ['move', 'keep', 'delete'],
      'move',
      'What happens to the original once its object is sent, if it is still the file that was taken.',
    ),
    names: namesRule(),
    label: plainText(LIMITS.manifestMaxTextBytes)
      .prefault('unclassified')
      .register(SETTINGS, {
        meaning: 'Classification label written into every manifest of this tenant.',
        unit: 'text',
        allowed: `a text of 1 to ${LIMITS.manifestMaxTextBytes} bytes without control characters`,
        fallback: 'unclassified',
      }),
    policy: plainText(LIMITS.pathMaxBytes)
      .transform((text) => (text === OPEN_POLICY ? text : pathText(baseDir).parse(text)))
      .prefault(OPEN_POLICY)
      .register(SETTINGS, {
        meaning:
          'What the scan lets pass: a policy file, or `open`, the built-in policy that refuses only what cannot be bounded or represented.',
        unit: 'path',
        allowed: 'open, or a path to a policy file',
        fallback: OPEN_POLICY,
      }),
    maxObjectSize: maxObjectSize('the link can carry less'),
    types: types('Media types (as found in the content) that the tenant may send; any other is refused.'),
    quota: quota('inside the gateway, taken and not yet sent; more waits in the share'),
    priority: choice(
      ['urgent', 'normal', 'bulk'],
      'normal',
      'Class of the tenant on the link: `urgent` goes before `normal`, and `normal` before `bulk`.',
    ),
    weight: count(10, 1, 100, 'parts', 'Share of the link beside other tenants of the same class that want it too.'),
    retention: durationOrElse(
      '`spool.retention`',
      '0ms',
      '365d',
      'How long a sent object of the tenant stays in the spool, so that it can be sent again.',
    ),
  });
  return z.strictObject({
    tenants: z.array(tenant).min(1).max(LIMITS.configMaxTenants),
    tenantsDir: tenantsDir(baseDir),
    spool: z.strictObject({
      highWater: size(
        '20GiB',
        '1MiB',
        '1024TiB',
        'Bytes in the spool from which on nothing new is taken from the shares. A file that does not fit below it waits; a file larger than it is taken once everything before it is sent, if the disk has room.',
      ),
      minFree: minFree(),
      retention: duration(
        '24h',
        '0ms',
        '365d',
        'How long a sent object stays in the spool, so that it can be sent again.',
      ),
    }),
    intake: z.strictObject({
      pollInterval: duration('250ms', '10ms', '1h', 'Time between two looks at the shares.'),
      holdTime: duration('500ms', '0ms', '24h', 'How long a file must have been left alone before it is taken.'),
      consignmentHold: duration(
        '5s',
        '0ms',
        '24h',
        'How long a folder with a file named ".consignment" must have been left alone, with everything in it, before it is taken as a unit. A pause in copying that lasts longer ends it too early; a folder renamed from NAME.part is taken at once.',
      ),
      incompleteSuffixes: z.array(plainText(32)).max(16).prefault(['.part']).register(SETTINGS, {
        meaning:
          'Files and folders whose name ends in one of these are still being written and are left alone. Renamed without it, a file is taken at once and a folder travels as a unit.',
        unit: 'list of texts',
        allowed: 'a list of at most 16 texts of at most 32 bytes',
        fallback: '[.part]',
      }),
      batchFiles: count(256, 1, LIMITS.envelopeMaxManifests, 'files', 'Files taken as one queue job at most.'),
      batchSize: size(
        '64MiB',
        '1KiB',
        '1TiB',
        'Bytes taken as one queue job at most; a larger file is a job of its own.',
      ),
    }),
    scan: z.strictObject({
      timeout: duration('120s', '1s', '24h', 'Time the scan of one object may take; after it the object is refused.'),
      memory: size(
        '512MiB',
        '64MiB',
        '1TiB',
        'Resident memory a scan process may use; above it the process is stopped.',
      ),
      processes: count(
        2,
        1,
        64,
        'processes',
        'Objects scanned at the same time; of two or more processes the first is kept for small objects.',
      ),
    }),
    keys: z.strictObject({
      signing: secretPath(baseDir).register(SETTINGS, {
        meaning: 'File with the Ed25519 private key that seals envelopes; readable by its owner only.',
        unit: 'path',
        allowed: 'a path to the private key file, not the key itself',
        secret: true,
      }),
      link: linkKey(baseDir),
    }),
    link: z.strictObject({
      target: endpointText({ min: 1, optional: false }).register(SETTINGS, {
        meaning: 'Where datagrams are sent: the receiving end of the link.',
        unit: 'address:port',
        allowed: 'an IPv4 address and a port from 1 to 65535, such as 10.0.0.2:5000',
        write: writeEndpoint,
      }),
      source: endpointText({ min: 0, optional: true }).optional().register(SETTINGS, {
        meaning: 'Local address, and port if it matters, that datagrams leave from; it selects the link interface.',
        unit: 'address[:port]',
        allowed: 'an IPv4 address of this machine, with or without a port, such as 10.0.0.1',
        fallback: '`127.0.0.1` for a target on this machine, else `0.0.0.0`; port 0 (chosen by the system)',
        write: writeEndpoint,
      }),
      rate: rate('200Mbps', '64kbps', '100Gbps', 'Rate the sender never exceeds, IP and UDP headers included.'),
      mtu: mtu(),
      overhead: ratio(0.1, 0, 4, 'Repair symbols sent for each source symbol: 0.1 adds a tenth.'),
      assumedLoss: ratio(
        0.01,
        0,
        0.5,
        'Share of datagrams the link is assumed to lose. Receipts tell with it how likely it is that a file arrives complete; nothing else depends on it.',
      ),
      blockSymbols: z
        .int()
        .min(1)
        .max(LIMITS.blockMaxSymbols)
        .optional()
        .register(SETTINGS, {
          meaning: `Source symbols coded together at most. A block is at most ${writeSize(LIMITS.blockMaxBytes)}.`,
          unit: 'symbols',
          allowed: `a whole number from 1 to ${LIMITS.blockMaxSymbols}`,
          fallback: `${BLOCK_SYMBOLS_DEFAULT}, or as many as ${writeSize(LIMITS.blockMaxBytes)} hold`,
        }),
      repairFloor: count(
        16,
        0,
        LIMITS.blockMaxSymbols,
        'symbols',
        'Repair symbols of a block at least, whatever the overhead.',
      ),
      interleave: count(
        4,
        1,
        64,
        'blocks',
        'Blocks whose symbols are sent in turn, so that a burst of loss is spread over them.',
      ),
      edgePadding: count(
        8,
        0,
        4096,
        'frames',
        'Padding frames before the first and after the last frame of a burst, so that no edge decides a transfer.',
      ),
      closingDelay: duration(
        '200ms',
        '0ms',
        '1m',
        'How long after a small payload its closing pass follows, so that one dark moment cannot take all of it.',
      ),
      guardSymbols: count(
        320,
        0,
        65_536,
        'frames',
        'Padding frames in front of the closing pass of a small payload while the link is idle, so that one burst cannot take both.',
      ),
      heartbeatInterval: duration('1s', '10ms', '1h', 'Time between two signed heartbeats.'),
      bundleSize: size('4MiB', '4KiB', '64MiB', 'Bytes that small objects are bundled up to.'),
      bundleMaxFile: size('256KiB', '0B', '64MiB', 'Objects up to this size are bundled; larger ones travel alone.'),
      transport: transport(),
    }),
    queues: queues(baseDir),
    console: operatorConsole(),
    alarms: alarms(),
    retention: retention(),
    log: log(),
  });
}
