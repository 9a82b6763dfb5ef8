/**
 * `sluice low`, `sluice link` and `sluice high` as an operator runs them, each by itself: what one part misses while it
 * is away is named by the other and completed by `sluice resend`; states and keys that are not right end the start.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { concurrently, type Ended, type Line, type Run, type Workplace } from '../support/cli.js';
import {
  drop,
  freePort,
  inState,
  killSupervisor,
  ready,
  type Sides,
  setUpSides,
  startHigh,
  startLow,
  writeHigh,
  writeLow,
} from '../support/sides.js';
import { randomBytes, readTree, type TreeFile } from '../support/trees.js';

async function startLink(place: Workplace, target: string, ...impairments: string[]): Promise<Run & { input: string }> {
  const run = place.sluice('link', '--target', target, '--json', ...impairments);
  const { inputPort } = await run.line(({ type }) => type === 'ready', '"ready" of the link');
  return Object.assign(run, { input: `127.0.0.1:${inputPort}` });
}

/** The high side says this of an object of the low side: by transfer id, or, if it never saw it, by its number. */
const saidOf = (high: Run, state: string, { transfer, sequence }: Line): boolean =>
  inState(high, state).some(
    (news) => news.transfer === transfer || (news.transfer === '' && news.sequence === sequence),
  );

async function resend(place: Workplace, sides: Sides, id: unknown): Promise<void> {
  const asked = await place.sluice('resend', String(id), '--state', sides.lowState).ended;
  expect(asked.code, asked.stderr).to.equal(0);
}

async function stopAll(place: Workplace, ...runs: Run[]): Promise<void> {
  for (const run of runs) {
    const { code, stderr } = await run.stop();
    expect(code, stderr).to.equal(0);
  }
  await place.expectNothingRuns();
}

const cases: Record<string, (place: Workplace) => Promise<void>> = {
  'FAULTS 67: a link that the two sides see differently is named by the high side': async (place) => {
    const sides = await setUpSides(place);
    writeHigh(sides, '127.0.0.1:0', { silence: '2s' });
    const high = startHigh(place, sides);
    const { port } = await ready(high);
    writeLow(sides, `127.0.0.1:${port}`, { mtu: 1000, heartbeatInterval: '900ms' });
    const low = startLow(place, sides);
    await ready(low);
    const said = (words: RegExp) =>
      high.line(({ code, words: all }) => code === 'LINK_PARAMETERS' && words.test(String(all)), String(words));
    await said(/link\.mtu gives symbols of 1408 bytes here; the low side sends 896/);
    await said(/Heartbeats come every 900 ms; link\.silence is 2000 ms/);
    expect(
      low.lines().filter(({ event }) => event === 'alarm'),
      'the low side cannot know',
    ).to.deep.equal([]);
    await stopAll(place, low, high);
  },

  'FAULTS 59: a transfer lost in an outage is named incomplete, and completed by resend': async (place) => {
    const sides = await setUpSides(place);
    writeHigh(sides, '127.0.0.1:0', { reorderWindow: '500ms' });
    const high = startHigh(place, sides);
    const { port } = await ready(high);
    const link = await startLink(place, `127.0.0.1:${port}`, '--outage', '0,4');
    writeLow(sides, link.input, { heartbeatInterval: '200ms' });
    const low = startLow(place, sides);
    await ready(low);
    drop(sides, 'by number', 'never seen');
    drop(sides, 'folder/by transfer', randomBytes(1, 600_000));
    const lost = await low.until(() => {
      const sent = inState(low, 'sent');
      return sent.length === 2 && sent;
    }, 'sent objects');
    await high.until(() => lost.every((one) => saidOf(high, 'incomplete', one)), 'news of what is missing');
    expect(readTree(sides.storage).size, 'nothing is half-visible').to.equal(0);

    const [first, second] = lost as [Line, Line];
    await resend(place, sides, first.sequence);
    await resend(place, sides, second.transfer);
    await high.until(() => inState(high, 'released').length >= 2, 'released objects');
    const arrived = readTree(sides.storage);
    expect([...arrived.keys()].sort()).to.deep.equal(['by number', 'folder/by transfer']);
    const accepted = readTree(sides.accepted);
    expect(accepted.size, 'originals moved to accepted').to.equal(2);
    for (const [path, file] of accepted)
      expect((arrived.get(path) as TreeFile).sha256).to.equal((file as TreeFile).sha256);
    expect(readTree(sides.share).size).to.equal(0);
    const unknown = await place.sluice('resend', 'ffffffff', '--state', sides.lowState).ended;
    expect(unknown.code, unknown.stderr).to.equal(1);
    await stopAll(place, low, link, high);
    const last = link.lines().at(-1)!;
    expect(last).to.include({ type: 'counters', highToLow: 0 });
    expect(last.outageLost).to.be.above(0);
  },

  'FAULTS 5, 51: either side killed midway and started again on its state; after a resend nothing is lost or twice':
    async (place) => {
      const sides = await setUpSides(place);
      const port = await freePort();
      writeHigh(sides, `127.0.0.1:${port}`, { reorderWindow: '500ms' });
      writeLow(sides, `127.0.0.1:${port}`, { heartbeatInterval: '200ms', rate: '12Mbps' });
      let high = startHigh(place, sides);
      await ready(high);
      let low = startLow(place, sides);
      await ready(low);
      const names: string[] = [];
      const dropSome = (count: number) => {
        for (let i = 0; i < count; i++) {
          const name = `file ${names.length}`;
          drop(sides, name, randomBytes(names.length, 270_000));
          names.push(name);
        }
      };
      const released = () => readTree(sides.storage).size;
      dropSome(6);
      await high.until(() => released() >= 2, 'released file');
      await killSupervisor(high, sides.highState);
      dropSome(1);
      await low.until(() => inState(low, 'sent').some(({ path }) => path === names.at(-1)), 'transfer nobody heard');
      dropSome(4);
      await low.until(() => inState(low, 'sending').some(({ path }) => path === names.at(-1)), 'last transfer begun');
      await killSupervisor(low, sides.lowState);
      await place.expectNothingRuns(20_000);

      high = startHigh(place, sides);
      await ready(high);
      low = startLow(place, sides);
      await ready(low);
      // What was sent while nobody listened is named by number or by transfer; then a person asks for it.
      const asked = new Map<unknown, Promise<Ended>>();
      await high.until(
        () => {
          for (const news of inState(high, 'incomplete')) {
            const id = news.transfer || news.sequence;
            if (!asked.has(id)) asked.set(id, place.sluice('resend', String(id), '--state', sides.lowState).ended);
          }
          return released() === names.length;
        },
        'release of all files',
        90_000,
      );
      expect(asked.size).to.be.above(0);
      for (const { code, stderr } of await Promise.all(asked.values())) expect(code, stderr).to.equal(0);
      await stopAll(place, low, high);
      expect([...readTree(sides.storage).keys()].sort(), 'no versions').to.deep.equal(names.sort());
      const accepted = readTree(sides.accepted);
      for (const [path, file] of readTree(sides.storage)) {
        expect((accepted.get(path) as TreeFile).sha256, path).to.equal((file as TreeFile).sha256);
      }
    },

  'a state folder of the other side, a second supervisor, an exposed key, a wrong key end the start with exit 3':
    async (place) => {
      const sides = await setUpSides(place);
      writeHigh(sides, '127.0.0.1:0');
      const high = startHigh(place, sides);
      const { port } = await ready(high);
      writeLow(sides, `127.0.0.1:${port}`);
      const refused = async (run: Run, code: string, ...words: string[]) => {
        const ended = await run.ended;
        expect(ended.code, ended.stderr).to.equal(3);
        expect(ended.stdout).to.equal('');
        for (const word of [code, ...words]) expect(ended.stderr).to.include(word);
      };
      await refused(startHigh(place, sides), 'STATE_IN_USE', sides.highState);
      await stopAll(place, high);
      await refused(startLow(place, { ...sides, lowState: sides.highState }), 'STATE_WRONG_SIDE');

      const link = join(sides.keys, 'link.key');
      const signing = join(sides.keys, 'signing.key');
      fs.chmodSync(link, 0o644);
      await refused(startHigh(place, sides), 'KEY_EXPOSED', link, 'chmod 600');
      await refused(startLow(place, sides), 'KEY_EXPOSED', link);
      fs.chmodSync(link, 0o600);
      fs.chmodSync(signing, 0o640);
      await refused(startLow(place, sides), 'KEY_EXPOSED', signing);
      fs.chmodSync(signing, 0o600);
      fs.writeFileSync(signing, 'not a key');
      await refused(startLow(place, sides), 'KEY_UNREADABLE', signing);
      await place.expectNothingRuns();
      expect(fs.existsSync(join(sides.lowState, 'lock.json')), 'no lock is left').to.equal(false);
    },
};

describe('low side, link and high side as commands of their own', function () {
  this.timeout(180_000);
  concurrently(2, cases);
});
