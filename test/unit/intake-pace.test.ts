/** When a share is looked at: the poll is the truth, whatever becomes of the events. */
import { EventEmitter } from 'node:events';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { delayAfter, Sleepers } from '../../ingress/intake/pace.js';
import { WakeUps, type WatchFolder } from '../../ingress/intake/wakeUps.js';
import { newFolder, removeFolders } from '../support/folders.js';

describe('intake: pace', () => {
  afterEach(removeFolders);

  const report = { waiting: 0, taken: 0, elapsedMs: 0 };

  it('polls at the interval, sooner when something waits for a shorter hold time, and rests as long as it has walked', () => {
    const options = { pollMs: 60_000, holdMs: 500 };
    expect(delayAfter(report, options)).to.equal(60_000);
    expect(delayAfter({ ...report, waiting: 1 }, options)).to.equal(500);
    expect(delayAfter({ ...report, elapsedMs: 5_000 }, { pollMs: 250, holdMs: 500 })).to.equal(5_000);
    expect(delayAfter({ ...report, elapsedMs: 5_000, taken: 9 }, { pollMs: 250, holdMs: 500 })).to.equal(250);
    expect(delayAfter({ ...report, waiting: 1 }, { pollMs: 250, holdMs: 0 })).to.be.within(1, 250);
  });

  it('a wake-up ends a sleep early, but leaves a share that takes long to walk its rest', async () => {
    const sleepers = new Sleepers();
    const start = performance.now();
    const slept = sleepers.sleep('a', 60_000, 100);
    for (let i = 0; i < 10; i++) sleepers.wake('a');
    sleepers.wake('nobody');
    await slept;
    expect(performance.now() - start).to.be.within(90, 2_000);
  });

  it('FAULTS 32: without any wake-up a sleep ends in time', async () => {
    const start = performance.now();
    await new Sleepers().sleep('a', 50);
    expect(performance.now() - start).to.be.within(40, 2_000);
  });

  /** Watchers of a test, by path. */
  function watchers() {
    const made = new Map<string, EventEmitter & { closed: boolean }>();
    const watch: WatchFolder = (path, onEvent, onEnd) => {
      const watcher = Object.assign(new EventEmitter(), {
        closed: false,
        close() {
          this.closed = true;
          // As the real one: it says so when it has ended.
          onEnd();
        },
      });
      watcher.on('change', onEvent);
      watcher.on('error', onEnd);
      made.set(String(path), watcher);
      return watcher as never;
    };
    return { made, watch, open: () => [...made].filter(([, { closed }]) => !closed).map(([path]) => path) };
  }

  it('watches the folders that a walk meets, no more than allowed, and no longer than they are met', () => {
    const { made, watch, open } = watchers();
    const woken: string[] = [];
    const wakeUps = new WakeUps((tenant) => woken.push(tenant), watch, 3);
    wakeUps.begin('t');
    for (const path of ['/s', '/s/a', '/s/b', '/s/c']) wakeUps.met('t', Buffer.from(path));
    wakeUps.end('t');
    expect(open()).to.deep.equal(['/s', '/s/a', '/s/b']);
    made.get('/s/a')!.emit('change');
    expect(woken).to.deep.equal(['t']);
    wakeUps.begin('t');
    for (const path of ['/s', '/s/c']) wakeUps.met('t', Buffer.from(path));
    wakeUps.end('t');
    wakeUps.begin('t');
    for (const path of ['/s', '/s/c']) wakeUps.met('t', Buffer.from(path));
    wakeUps.end('t');
    expect(open()).to.deep.equal(['/s', '/s/c']);
    wakeUps.forget('t');
    expect(open()).to.deep.equal([]);
  });

  it('FAULTS 32: watchers that die, or cannot be had, hurt nobody; a folder is watched again at the next walk', () => {
    const { made, watch, open } = watchers();
    const wakeUps = new WakeUps(() => {}, watch);
    wakeUps.met('t', Buffer.from('/s'));
    made.get('/s')!.emit('error', new Error('EIO'));
    expect(open()).to.deep.equal([]);
    wakeUps.met('t', Buffer.from('/s'));
    expect(open()).to.deep.equal(['/s']);
    const broken = new WakeUps(
      () => {},
      () => {
        throw new Error('ENOSPC: no watches left');
      },
    );
    broken.met('t', Buffer.from('/s'));
  });

  it('real events of the file system wake', async () => {
    const folder = newFolder();
    let woken: () => void = () => {};
    const event = new Promise<void>((resolve) => {
      woken = resolve;
    });
    const wakeUps = new WakeUps(() => woken());
    wakeUps.met('t', Buffer.from(folder));
    fs.writeFileSync(join(folder, 'f'), '');
    await event;
    wakeUps.forget('t');
  });
});
