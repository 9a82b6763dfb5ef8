/**
 * Values that are each allowed and together make no sense: folders inside each other, one name twice, a queue store
 * without its address. Checked on whatever sections are sound, so that a typing error elsewhere hides none of it.
 */
import { realpathSync } from 'node:fs';
import { basename, dirname, join, sep } from 'node:path';
import { blockSymbolsMax, symbolBytesForMtu } from './derive.js';
import { keyIn, type Problems } from './problems.js';
import { acceptedFolder, carriedBytes, highReceiptsFolder, lowReceiptsFolder, storageFolder } from './resolve.js';
import type { HighSections, LowSections } from './schema.js';
import type { TenantSection } from './sections.js';
import { writeEndpoint, writeSize } from './settings.js';

interface Place {
  /** Key in the file, or words for a place that is not configured there. */
  readonly key: string;
  readonly path: string;
  /** Of the file that the key is in. */
  readonly problems: Problems;
}

/** A key as it is called from another place: with its file, if that is another one. */
const nameOf = ({ key, problems }: Place, from: Place): string =>
  problems.origin === from.problems.origin || isNameless({ key }) ? key : `${key} in ${problems.origin}`;
/** The state folder has no key to correct. */
const isNameless = ({ key }: { key: string }): boolean => key.startsWith('the ');

export function checkLow(low: LowSections, stateDir: string | undefined, problems: Problems): void {
  checkNames(low.tenants);
  const folders: Place[] = [];
  const files: Place[] = configFiles(low, problems);
  for (const tenant of low.tenants) {
    const { value } = tenant;
    folders.push(placeOf(tenant, 'share', value.share));
    if (value.afterSent === 'move') folders.push(placeOf(tenant, 'accepted', acceptedFolder(value)));
    if (value.receiptsFor !== 'none') folders.push(placeOf(tenant, 'receipts', lowReceiptsFolder(value)));
    if (value.policy.startsWith(sep)) files.push(placeOf(tenant, 'policy', value.policy));
    const most = low.link === undefined ? Number.POSITIVE_INFINITY : carriedBytes(low.link);
    refuseLarger(tenant, most, 'what link.mtu and link.blockSymbols can carry');
  }
  if (low.keys) {
    const { signing, link } = low.keys;
    files.push({ key: 'keys.signing', path: signing, problems }, { key: 'keys.link', path: link, problems });
    if (low.keys.signing === low.keys.link) {
      problems.refuse('keys.link', low.keys.link, 'another file than keys.signing');
    }
  }
  checkPlaces(folders, files, stateDir, problems);
  if (low.link) checkLink(low.link, problems);
  if (low.queues) checkQueues(low.queues, problems);
}

export function checkHigh(high: HighSections, stateDir: string | undefined, problems: Problems): void {
  checkNames(high.tenants);
  const folders: Place[] = [];
  const most = high.assembly?.spoolMax ?? Number.POSITIVE_INFINITY;
  for (const tenant of high.tenants) {
    const { key, value, problems } = tenant;
    refuseLarger(tenant, most, 'assembly.spoolMax');
    const path = storageFolder(value, high.storageRoot);
    if (path === undefined) {
      problems.refuse(keyIn(key, 'storage'), undefined, 'a path, or a path for all tenants in storageRoot');
      continue;
    }
    folders.push(placeOf(tenant, 'storage', path));
    if (value.receiptsFor !== 'none') folders.push(placeOf(tenant, 'receipts', highReceiptsFolder(value, path)));
  }
  const files: Place[] = configFiles(high, problems);
  if (high.keys) {
    files.push({ key: 'keys.link', path: high.keys.link, problems });
    for (const path of [high.keys.trusted].flat()) files.push({ key: 'keys.trusted', path, problems });
  }
  checkPlaces(folders, files, stateDir, problems);
  if (high.queues) checkQueues(high.queues, problems);
}

const placeOf = ({ key, problems }: TenantSection<unknown>, name: string, path: string): Place => ({
  key: keyIn(key, name),
  path,
  problems,
});

/** Where tenants write, nobody may find what decides about them. */
function configFiles({ tenantsDir, queues }: LowSections | HighSections, problems: Problems): Place[] {
  const secrets = { redisPasswordFile: queues?.redisPasswordFile, sentinelPasswordFile: queues?.sentinelPasswordFile };
  const files = Object.entries(secrets).map(([name, path]) => ({ key: `queues.${name}`, path, problems }));
  return [{ key: 'tenantsDir', path: tenantsDir, problems }, ...files].filter(
    (one): one is Place => one.path !== undefined,
  );
}

function refuseLarger(
  { key, value, problems }: TenantSection<{ maxObjectSize?: number | undefined }>,
  most: number,
  why: string,
): void {
  if ((value.maxObjectSize ?? 0) <= most) return;
  const size = writeSize(value.maxObjectSize!);
  problems.refuse(keyIn(key, 'maxObjectSize'), size, `a size up to ${writeSize(most)}, which is ${why}`);
}

function checkNames(tenants: readonly TenantSection<{ name: string }>[]): void {
  const seen = new Set<string>();
  for (const { key, value, problems } of tenants) {
    if (seen.has(value.name)) problems.refuse(keyIn(key, 'name'), value.name, 'a name that no other tenant has');
    seen.add(value.name);
  }
}

/**
 * No folder of a tenant may lie in another one or around or in the state folder: a file would be taken twice, by the
 * wrong tenant, or the spool would be sent as if somebody had dropped it. No key or policy may lie where a tenant writes.
 */
function checkPlaces(
  folders: readonly Place[],
  files: readonly Place[],
  stateDir: string | undefined,
  problems: Problems,
): void {
  const state: Place[] = stateDir === undefined ? [] : [{ key: 'the state folder', path: stateDir, problems }];
  const sorted = [...folders, ...state]
    .map((place) => ({ ...place, real: withSeparator(canonical(place.path)) }))
    .sort((a, b) => (a.real < b.real ? -1 : a.real > b.real ? 1 : 0));
  // Sorted, a folder comes right before everything inside it, so only the open ancestors have to be kept.
  const around: typeof sorted = [];
  const enclosing = (real: string) => {
    while (around.length > 0 && !real.startsWith(around.at(-1)!.real)) around.pop();
    return around.at(-1);
  };
  for (const place of sorted) {
    const outer = enclosing(place.real);
    if (outer !== undefined) {
      const [named, other] = isNameless(place) ? [outer, place] : [place, outer];
      named.problems.refuse(named.key, named.path, `a folder apart from ${nameOf(other, named)} ("${other.path}")`);
    }
    around.push(place);
  }
  const shared = folders.map((place) => ({ ...place, real: withSeparator(canonical(place.path)) }));
  for (const file of files) {
    const real = withSeparator(canonical(file.path));
    const outer = shared.find((folder) => real.startsWith(folder.real));
    if (outer === undefined) continue;
    const where = `${nameOf(outer, file)} ("${outer.path}")`;
    file.problems.refuse(file.key, file.path, `a path outside ${where}, where others may write`);
  }
}

const withSeparator = (path: string): string => (path.endsWith(sep) ? path : path + sep);

/** The path with links resolved as far as it exists already. */
function canonical(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(canonical(parent), basename(path));
  }
}

function checkLink(link: NonNullable<LowSections['link']>, problems: Problems): void {
  const most = blockSymbolsMax(symbolBytesForMtu(link.mtu));
  if (link.blockSymbols !== undefined && link.blockSymbols > most) {
    problems.refuse(
      'link.blockSymbols',
      link.blockSymbols,
      `a whole number from 1 to ${most} with link.mtu ${link.mtu}`,
    );
  }
  if (link.bundleMaxFile > link.bundleSize) {
    problems.refuse(
      'link.bundleMaxFile',
      writeSize(link.bundleMaxFile),
      `a size up to link.bundleSize (${writeSize(link.bundleSize)})`,
    );
  }
  if (link.source && link.source.port !== 0 && writeEndpoint(link.source) === writeEndpoint(link.target)) {
    problems.refuse('link.source', writeEndpoint(link.source), 'another address or port than link.target');
  }
}

function checkQueues(queues: NonNullable<LowSections['queues']>, problems: Problems): void {
  const { store, redisUrl, redisPasswordFile, redisCa, sentinels, sentinelName, sentinelPasswordFile } = queues;
  const somewhere = redisUrl !== undefined || sentinels.length > 0;
  if (store === 'redis' && !somewhere) {
    problems.refuse('queues.redisUrl', undefined, 'the address of a Redis, because queues.store is redis');
  }
  if (somewhere && (store === 'redis-server' || store === 'embedded')) {
    const given = redisUrl === undefined ? 'queues.sentinels' : 'queues.redisUrl';
    problems.refuse('queues.store', store, `auto or redis, because ${given} is given`);
  }
  if (sentinels.length > 0 && sentinelName === undefined) {
    problems.refuse(
      'queues.sentinelName',
      undefined,
      'the name the sentinels know the Redis by, because queues.sentinels is given',
    );
  }
  const unused = (key: string, value: unknown, needs: string) => {
    if (value !== undefined) problems.refuseSecret(`queues.${key}`, value, `nothing without ${needs}`);
  };
  if (sentinels.length === 0) {
    unused('sentinelName', sentinelName, 'queues.sentinels');
    unused('sentinelPasswordFile', sentinelPasswordFile, 'queues.sentinels');
  }
  if (!somewhere) unused('redisPasswordFile', redisPasswordFile, 'queues.redisUrl or queues.sentinels');
  const url = redisUrl === undefined ? undefined : new URL(redisUrl);
  if (url?.protocol !== 'rediss:') unused('redisCa', redisCa, 'a rediss: address in queues.redisUrl');
  if (url !== undefined && url.password !== '' && redisPasswordFile !== undefined) {
    unused('redisPasswordFile', redisPasswordFile, 'an address in queues.redisUrl that holds no password');
  }
}
