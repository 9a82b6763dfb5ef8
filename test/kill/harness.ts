/**
 * Kills random processes of both sides under mixed traffic and looks what becomes of it (FAULTS 51, 54): two real sides
 * and a simulated link that loses a little, each a process tree of its own. A side that ends is started again on its
 * state, as a service manager does; what the high side names as missing a person has sent again.
 */
import { createSocket } from 'node:dgram';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SluiceError } from '../../shared/core/errors.js';
import { Prng } from '../../shared/core/prng.js';
import { generateKeys } from '../../shared/crypto/keyfiles.js';
import { toYaml } from '../../shared/ops/config/load.js';
import type { HighConfigInput, LowConfigInput } from '../../shared/ops/config/schema.js';
import { pause, QUICK_STORE, Workplace } from '../support/cli.js';
import { SmallDisk } from './diskTroubles.js';
import { Operator, query } from './operator.js';
import { Service } from './side.js';
import { type Storage, StorageWatch } from './storageWatch.js';
import { SiteStores, STORE_TROUBLES } from './storeTroubles.js';
import { Traffic } from './traffic.js';

export interface KillOptions {
  kills: number;
  /** What is done to the sides: processes killed, the Redis of either troubled, their disks and storages filled. */
  what: 'processes' | 'stores' | 'disks';
  seed: number;
  /** Told what happens, a line at a time. */
  say: (line: string) => void;
  /** The end of it all, whatever has arrived by then. */
  timeoutMs?: number;
}

export interface KillReport {
  kills: number;
  objects: number;
  /** Objects of which a whole file was seen in the storage of their tenant, under their name. */
  released: number;
  lost: number;
  /** Objects that appeared more than once. */
  double: number;
  /** Files seen in a storage that were no whole object of that tenant. */
  partial: number;
}

/** Pause between two kills, and between two things that are dropped. */
const KILL_MS = { least: 150, most: 1_400 };
const MIN_FREE = '1MiB';
const STORE_MS = { least: 500, most: 2_500 };
const DROP_MS = { least: 20, most: 250 };
/** Share of the kills that are meant for a side that is still starting and carried out all the same. */
const KILLED_WHILE_STARTING = 0.15;
/** Share of the blows that only stop a process for a while (FAULTS 55); they do not count as kills. */
const FROZEN = 0.1;
const FREEZE_MS = { least: 500, most: 4_000 };
/** Traffic waits while so many objects are on their way, so that the end is never far. */
const ON_THE_WAY_MAX = 300;
const LOOK_MS = 40;
const OPERATOR_MS = 2_000;
/** When nothing more arrives for so long after the last kill, it never will: longer than work may rest unnoticed. */
const GIVE_UP_MS = 90_000;

export async function killAround(options: KillOptions): Promise<KillReport> {
  const run = new KillRun(options);
  try {
    return await run.run();
  } finally {
    await run.remove();
  }
}

class KillRun {
  private readonly place = new Workplace();
  /** On another file system where there is one: releasing goes another way there. */
  private readonly elsewhere = fs.mkdtempSync(join(otherFileSystem(), 'sluice-kill-'));
  private readonly traffic: Traffic;
  private readonly storages: Storage[];
  private readonly watch: StorageWatch;
  private readonly operator: Operator;
  private readonly low: Service;
  private readonly high: Service;
  private readonly shares: Record<string, string>;
  private stores: SiteStores | undefined;
  private readonly disks = new Map<string, SmallDisk>();
  private ending = false;
  private kills = 0;

  constructor(private readonly options: KillOptions) {
    const { place } = this;
    this.shares = Object.fromEntries(
      ['town', 'forest', 'harbour'].map((tenant) => [tenant, place.folder(`shares/${tenant}`)]),
    );
    this.storages = [
      { tenant: 'town', folder: join(place.folder('storage'), 'town'), empties: false },
      { tenant: 'forest', folder: join(this.elsewhere, 'forest'), empties: false },
      { tenant: 'harbour', folder: join(place.folder('storage'), 'harbour'), empties: true },
    ];
    this.traffic = new Traffic(new Prng(options.seed), this.shares);
    this.watch = new StorageWatch(this.storages, this.traffic.dropped);
    const [low, high] = [join(place.base, 'low'), join(place.base, 'high')];
    this.operator = new Operator(place, low, high);
    this.low = new Service(place, 'low', join(place.base, 'low.yaml'), low);
    this.high = new Service(place, 'high', join(place.base, 'high.yaml'), high);
  }

  async run(): Promise<KillReport> {
    const { options, traffic } = this;
    await this.setUp();
    const busy = [this.keepLooking(), this.keepDropping(), this.keepOperating()];
    await { processes: this.killAll, stores: this.troubleStores, disks: this.fillDisks }[options.what].call(this);
    options.say(`${this.kills} kills, ${traffic.dropped.size} objects dropped; waiting for the end`);
    await this.untilArrived();
    this.ending = true;
    await Promise.all(busy);
    const { objects, released } = this.counts();
    if (released < objects) await this.sayQueues();
    for (const service of [this.low, this.high]) {
      const code = await service.stop();
      if (code !== 0) options.say(`the ${service.side} side ended with ${code}: ${service.words.slice(-500)}`);
      options.say(`alarms of the ${service.side} side:${service.alarms.map((line) => `\n  ${line}`).join('')}`);
      if (service.failedStarts.length > 0) {
        const last = service.failedStarts.at(-1)!.trim().split('\n').at(-1);
        options.say(`${service.failedStarts.length} starts of the ${service.side} side failed, the last: ${last}`);
      }
    }
    this.watch.look();
    return this.report();
  }

  async remove(): Promise<void> {
    this.ending = true;
    await this.place.endProcesses();
    for (const disk of this.disks.values()) disk.unmount();
    await this.place.remove();
    await this.stores?.stop();
    fs.rmSync(this.elsewhere, { recursive: true, force: true });
  }

  // ------------------------------------------------------------ the two sides

  private async setUp(): Promise<void> {
    const { place, options, shares, storages } = this;
    if (options.what === 'disks') this.mountDisks();
    const keys = join(place.base, 'keys');
    generateKeys(keys);
    const port = await freePort();
    if (options.what === 'stores') this.stores = await SiteStores.start();
    const highConfig: HighConfigInput = {
      tenants: storages.map(({ tenant, folder }) => ({ name: tenant, storage: folder, names: 'posix' })),
      keys: { trusted: keys, link: join(keys, 'link.key') },
      link: { listen: `127.0.0.1:${port}`, reorderWindow: '500ms' },
      assembly: { minFree: MIN_FREE },
      queues: this.queues('high'),
    };
    fs.writeFileSync(join(place.base, 'high.yaml'), toYaml(highConfig));
    const link = place.sluice(
      ...['link', '--target', `127.0.0.1:${port}`, '--json', '--loss', '0.005', '--reorder', '4'],
      ...['--seed', String(options.seed)],
    );
    const { inputPort } = await link.line(({ type }) => type === 'ready', '"ready" of the link');
    const lowConfig: LowConfigInput = {
      tenants: Object.entries(shares).map(([name, share]) => ({ name, share, names: 'posix' })),
      keys: { signing: join(keys, 'signing.key'), link: join(keys, 'link.key') },
      link: { target: `127.0.0.1:${inputPort}`, heartbeatInterval: '200ms' },
      intake: { pollInterval: '50ms', holdTime: '100ms', consignmentHold: '100ms' },
      spool: { minFree: MIN_FREE },
      queues: this.queues('low'),
    };
    fs.writeFileSync(join(place.base, 'low.yaml'), toYaml(lowConfig));
    await Promise.all([this.high.start(), this.low.start()]);
  }

  private queues(side: 'low' | 'high'): NonNullable<LowConfigInput['queues']> {
    return this.stores ? { store: 'redis', redisUrl: this.stores.url(side) } : { store: QUICK_STORE };
  }

  private async troubleStores(): Promise<void> {
    const { options, stores } = this;
    const prng = new Prng(options.seed + 1);
    // Each of them in turn, so that a short run knows them all.
    const names = Object.keys(STORE_TROUBLES);
    while (this.kills < options.kills) {
      await pause(STORE_MS.least + prng.below(STORE_MS.most - STORE_MS.least));
      const side = prng.below(2) === 0 ? 'low' : 'high';
      const name = names[this.kills % names.length]!;
      const { objects, released } = this.counts();
      options.say(
        `trouble ${this.kills + 1}: the Redis of the ${side} side ${name} (${released} of ${objects} released)`,
      );
      await STORE_TROUBLES[name]!(stores!.servers[side]);
      this.kills++;
    }
  }

  private mountDisks(): void {
    const { low, high, elsewhere } = this;
    const folders = { 'the low side': low.stateDir, 'the high side': high.stateDir, 'a storage': elsewhere };
    for (const [name, folder] of Object.entries(folders)) {
      const disk = SmallDisk.mount(folder);
      if (!disk) throw new SluiceError('USAGE', 'Filling disks takes the right to mount: run it as root.');
      this.disks.set(name, disk);
    }
  }

  private async fillDisks(): Promise<void> {
    const { options, disks } = this;
    const prng = new Prng(options.seed + 1);
    const names = [...disks.keys()];
    while (this.kills < options.kills) {
      await pause(STORE_MS.least + prng.below(STORE_MS.most - STORE_MS.least));
      const name = names[this.kills % names.length]!;
      const inodes = Math.floor(this.kills / names.length) % 2 === 1;
      const { objects, released } = this.counts();
      const how = inodes ? 'has no inodes' : 'is full';
      options.say(`trouble ${this.kills + 1}: the disk of ${name} ${how} (${released} of ${objects} released)`);
      await (inodes ? disks.get(name)!.runOutOfInodes() : disks.get(name)!.runFull());
      this.kills++;
    }
  }

  private async killAll(): Promise<void> {
    const { options } = this;
    const prng = new Prng(options.seed + 1);
    const frozenOnes: Promise<void>[] = [];
    while (this.kills < options.kills) {
      await pause(KILL_MS.least + prng.below(KILL_MS.most - KILL_MS.least));
      const service = prng.below(2) === 0 ? this.low : this.high;
      const [choice, patience] = [prng.unit(), prng.unit()];
      // Now and then in the middle of a start, but not so often that nothing ever comes up.
      if (!service.ready && patience > KILLED_WHILE_STARTING) continue;
      const victims = service.victims();
      const victim = victims[Math.floor(choice * victims.length)];
      if (!victim) continue;
      const frozen = prng.unit() < FROZEN;
      if (frozen) frozenOnes.push(Service.freeze(victim, FREEZE_MS.least + prng.below(FREEZE_MS.most)));
      else Service.strike(victim);
      if (!frozen) this.kills++;
      const { objects, released } = this.counts();
      const what = frozen ? 'frozen for a while' : `kill ${this.kills}`;
      options.say(`${what}: ${service.side} ${victim.name} (${released} of ${objects} released)`);
    }
    await Promise.all(frozenOnes);
  }

  // ------------------------------------------------------------ what goes on meanwhile

  private async keepDropping(): Promise<void> {
    const prng = new Prng(this.options.seed + 2);
    while (!this.ending && this.kills < this.options.kills) {
      const { objects, released } = this.counts();
      if (objects - released < ON_THE_WAY_MAX) this.traffic.dropSomething();
      await pause(DROP_MS.least + prng.below(DROP_MS.most - DROP_MS.least));
    }
  }

  private async keepLooking(): Promise<void> {
    while (!this.ending) {
      this.watch.look();
      await pause(LOOK_MS);
    }
  }

  private async keepOperating(): Promise<void> {
    const prng = new Prng(this.options.seed + 3);
    while (!this.ending) {
      await pause(OPERATOR_MS);
      await this.operator.resendMissing();
      if (prng.below(4) === 0) await this.operator.resendNeedlessly((count) => prng.below(count));
    }
  }

  private async untilArrived(): Promise<void> {
    const { timeoutMs = Number.POSITIVE_INFINITY } = this.options;
    const endMs = performance.now() + timeoutMs;
    let latest = -1;
    let sinceMs = performance.now();
    for (;;) {
      const { objects, released } = this.counts();
      if (released === objects) return;
      if (released !== latest) [latest, sinceMs] = [released, performance.now()];
      if (performance.now() - sinceMs > GIVE_UP_MS || performance.now() > endMs) return;
      await pause(100);
    }
  }

  // ------------------------------------------------------------ the end

  private counts(): { objects: number; released: number } {
    return { objects: this.traffic.dropped.size, released: this.watch.seen.size };
  }

  private report(): KillReport {
    const { say } = this.options;
    const { dropped } = this.traffic;
    const { seen, doubles, strange } = this.watch;
    for (const [digest, object] of dropped) {
      if (!seen.has(digest)) say(`lost: ${object.tenant}: ${object.path}; ${this.whereIs(object.path, object.tenant)}`);
    }
    for (const [, places] of doubles) say(`double: ${places.join(', ')}`);
    for (const [file, what] of strange) say(`partial: ${file}: ${what}`);
    say(`${this.operator.asked} resends were asked for`);
    return {
      kills: this.kills,
      objects: dropped.size,
      released: seen.size,
      lost: dropped.size - seen.size,
      double: doubles.length,
      partial: strange.size,
    };
  }

  /** What the sides are about when something has not come: the first thing to know about it. */
  private async sayQueues(): Promise<void> {
    for (const { side, stateDir } of [this.low, this.high]) {
      const { stdout } = await this.place.sluice('queues', '--state', stateDir, '--json').ended;
      this.options.say(`queues of the ${side} side:\n${stdout}`);
    }
  }

  /** What both ledgers say about it. */
  private whereIs(path: string, tenant: string): string {
    const name = path.replaceAll("'", "''");
    const low = query<object>(
      this.low.stateDir,
      `SELECT transfer, sequence, state, code, detail, payload FROM objects WHERE path = '${name}' AND tenant = '${tenant}'`,
    );
    const high = query<object>(
      this.high.stateDir,
      `SELECT transfer, sequence, state, code, detail, payload, published_as FROM objects WHERE path = '${name}' AND tenant = '${tenant}'`,
    );
    const inShare = fs.existsSync(join(this.shares[tenant]!, path));
    return JSON.stringify({ inShare, low, high });
  }
}

/** A port nobody listens on, which the high side keeps over restarts. */
async function freePort(): Promise<number> {
  const socket = createSocket('udp4');
  await new Promise<void>((bound) => socket.bind(0, '127.0.0.1', bound));
  const { port } = socket.address();
  await new Promise<void>((closed) => socket.close(() => closed()));
  return port;
}

function otherFileSystem(): string {
  const here = fs.statSync(tmpdir()).dev;
  const elsewhere = ['/dev/shm', '/var/tmp'].find((path) => fs.existsSync(path) && fs.statSync(path).dev !== here);
  return elsewhere ?? tmpdir();
}
