/**
 * An operator at work on a running low side, by command line and console: pause, empty, retry, drain. Every act is on
 * record with who and why, and nothing an operator does to a queue loses an object.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { parse, stringify } from 'yaml';
import { concurrently, type Ended, kill, type Line, type RunFile, readJson, type Workplace } from '../support/cli.js';
import { drop, inState, ready, type Sides, setUpSidesQuickly, startLow, writeLow } from '../support/sides.js';

interface WithConsole extends RunFile {
  console: string;
  consoleToken: string;
}

const runOf = (sides: Sides): WithConsole => readJson(join(sides.lowState, 'run.json')) as WithConsole;

interface Boards {
  queues: { jobs: { name: string; progress: number; attempts: number }[] }[];
}

function configure(file: string, more: object): void {
  fs.writeFileSync(file, stringify({ ...parse(fs.readFileSync(file, 'utf8')), ...more }));
}

const linesOf = ({ stdout }: Ended): Line[] =>
  stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);

async function works(store: 'redis-server' | 'embedded', place: Workplace): Promise<void> {
  const sides = setUpSidesQuickly(place);
  writeLow(sides, '127.0.0.1:9');
  configure(sides.low, { console: { readOnly: false }, queues: { store } });
  const sluice = (...args: string[]) => place.sluice(...args, '--state', sides.lowState).ended;
  const act = async (...args: string[]) => {
    const ended = await sluice(...args, '--who', 'eve', '--why', `because: ${args.at(-1)}`);
    expect(ended.code, ended.stderr).to.equal(0);
    return ended.stderr;
  };
  const stages = async () =>
    Object.fromEntries(linesOf(await sluice('queues', '--json')).map((row) => [row.stage as string, row]));
  const by = async (method: string, path: string) => {
    const { console, consoleToken } = runOf(sides);
    const headers = { authorization: `Bearer ${consoleToken}`, 'x-sluice-why': 'from a script' };
    const response = await fetch(`${console}/boards/api/queues${path}`, { method, headers });
    return { status: response.status, body: (await response.json().catch(() => undefined)) as Boards };
  };

  let low = startLow(place, sides);
  const told = await ready(low);
  expect(low.stdout + low.stderr, 'the token is not printed').not.to.include(runOf(sides).consoleToken);
  expect(told.console).to.equal(runOf(sides).console);
  for (const name of ['run.json', 'console.token']) {
    expect(fs.statSync(join(sides.lowState, name)).mode & 0o077, name).to.equal(0);
  }
  expect(fs.readFileSync(join(sides.lowState, 'console.token'), 'utf8')).to.equal(`${runOf(sides).consoleToken}\n`);
  const { pid } = runOf(sides).processes.console!;
  const seen = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8') + fs.readFileSync(`/proc/${pid}/environ`, 'utf8');
  expect(seen, 'neither arguments nor environment hold the token').not.to.include(runOf(sides).consoleToken);

  // Paused: taken, not scanned. What is thrown out of the queue comes back, for the ledger knows of it.
  expect(await act('queues', 'pause', 'scan')).to.include('scan is paused');
  drop(sides, 'letter.txt', 'a letter');
  await low.until(() => inState(low, 'taken').length === 1, 'taken object');
  await low.until(async () => (await stages()).scan?.waiting === 1, 'waiting job', 20_000);
  expect((await stages()).scan).to.include({ paused: true, active: 0 });
  const shown = (await by('GET', '?activeQueue=scan&status=waiting')).body.queues[0]!;
  expect(shown.jobs[0]!.name).to.equal('town: letter.txt');
  expect((await by('PUT', '/scan/obliterate')).status).to.equal(403);
  expect((await by('PUT', '/scan/clean/wait')).status).to.equal(200);
  await low.until(async () => (await stages()).scan?.waiting === 1, 'job that is there again', 20_000);
  expect(inState(low, 'sent')).to.have.length(0);
  expect((await by('PUT', '/scan/resume')).status).to.equal(200);
  await low.until(() => inState(low, 'sent').length === 1, 'sent object');
  const job = (await by('GET', '?activeQueue=send&status=completed')).body.queues[2]!.jobs[0]!;
  expect(job).to.include({ name: 'town: letter.txt', progress: 100, attempts: 1 });

  // Drained: nothing new is taken until somebody says so.
  await act('drain');
  await low.until(
    () => String((readJson(join(sides.lowState, 'status.json')) as Line)?.heldBack).includes('drained'),
    'status',
  );
  drop(sides, 'later.txt', 'later');
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  expect(inState(low, 'taken').filter(({ path }) => path === 'later.txt')).to.deep.equal([]);
  expect((await fetch(`${runOf(sides).console}/readyz`)).status).to.equal(503);
  await act('undrain');
  await low.until(() => inState(low, 'sent').length === 2, 'sent object');

  // A console that dies is served again at its address; the side does not notice.
  const before = runOf(sides);
  kill(before.processes.console!.pid, 'SIGKILL');
  await low.until(() => (runOf(sides)?.processes.console?.pid ?? pid) !== pid, 'another console process');
  await low.until(async () => (await by('GET', '').catch(() => undefined))?.status === 200, 'console');
  expect(runOf(sides).console).to.equal(before.console);

  const wrong = await sluice('queues', 'retry', 'scan/12345', '--who', 'eve');
  expect([wrong.code, wrong.stderr]).to.deep.equal([
    1,
    'scan/12345 is not a failed job; "sluice queues failed scan" names them.\n',
  ]);
  expect((await sluice('queues', 'pause', 'nosuch', '--why', 'x')).code).to.equal(1);
  expect((await sluice('queues', 'failed')).stderr).to.include('nothing has failed');
  expect((await sluice('queues', 'pause', 'scan')).code, 'without a reason').to.equal(2);

  // Asked of a side that does not run: done when it is started.
  expect((await low.stop()).code).to.equal(0);
  const later = await sluice('queues', 'pause', 'send', '--who', 'eve', '--why', 'before the start');
  expect(later.stderr).to.include('not running');
  expect((await sluice('queues')).code).to.equal(1);
  low = startLow(place, sides);
  await ready(low);
  expect(runOf(sides).consoleToken, 'the token stays').to.equal(before.consoleToken);
  expect((await stages()).send).to.include({ paused: true });
  expect((await low.stop()).code).to.equal(0);

  const acts = linesOf(await sluice('acts', '--json'));
  expect(acts.map(({ who, kind, argument, why, origin }) => [who, kind, argument, why, origin])).to.deep.equal([
    ['eve', 'pause', 'scan', 'because: scan', 'command line'],
    ['a script with the token', 'clean', 'scan waiting', 'from a script', 'console'],
    ['a script with the token', 'resume', 'scan', 'from a script', 'console'],
    ['eve', 'drain', '', 'because: drain', 'command line'],
    ['eve', 'undrain', '', 'because: undrain', 'command line'],
    ['eve', 'retry', 'scan/12345', 'no reason given', 'command line'],
    [acts[6]!.who, 'pause', 'nosuch', 'x', 'command line'],
    ['eve', 'pause', 'send', 'before the start', 'command line'],
  ]);
  for (const { answer, answeredMs, askedMs } of acts) {
    expect(answer).to.match(/^(yes|no): /);
    expect(answeredMs).to.be.at.least(askedMs as number);
  }
  expect((await sluice('acts')).stderr).to.include('eve: drain because: because: drain');
  await place.expectNothingRuns();
}

const cases: Record<string, (place: Workplace) => Promise<void>> = {
  'an operator pauses, empties, resumes and drains; all on record, nothing lost (private Redis)': (place) =>
    works('redis-server', place),
  'an operator pauses, empties, resumes and drains; all on record, nothing lost (embedded store)': (place) =>
    works('embedded', place),
};

describe('an operator at work', function () {
  this.timeout(180_000);
  concurrently(2, cases);
});
