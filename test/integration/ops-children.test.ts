/** The shared way to run an isolated process: requests, events, death, restart and the end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { codeOf } from '../../shared/core/errors.js';
import { Child, type ChildOptions, type ExitReason, isChildsEnd } from '../../shared/ops/processes/children.js';
import type { EchoProtocol } from '../unit/ops-echoChild.js';

const module = new URL('../unit/ops-echoChild.js', import.meta.url);
const open: Child<EchoProtocol>[] = [];
function echoChild(options: Partial<ChildOptions<EchoProtocol>> = {}): Child<EchoProtocol> {
  const child = new Child<EchoProtocol>({ name: 'echo', module, ...options });
  open.push(child);
  return child;
}
const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.fail('should have been rejected'),
    (error) => ({ code: codeOf(error), text: String(error.detail) }),
  );
const alive = (pid: number) => existsSync(`/proc/${pid}`);

describe('ops children', () => {
  afterEach(() => Promise.all(open.splice(0).map((child) => child.stop(0))));

  it('answers requests with binary values and keeps many apart', async () => {
    const child = echoChild();
    await child.start();
    const asks = [1n, new Uint8Array([1, 2, 3]), { deep: [null, 'x'] }, new Map([['a', 1]])];
    expect(await Promise.all(asks.map((ask) => child.ask('echo', ask)))).to.deep.equal(asks);
  });

  it('passes events in both directions and only named variables', async () => {
    let heard: (n: number) => void;
    const poked = new Promise<number>((resolve) => {
      heard = resolve;
    });
    process.env.SLUICE_TEST_SECRET = 'x';
    process.env.SLUICE_FEC_KERNEL = 'scalar';
    const child = echoChild({ env: { GIVEN: '1' }, onEvent: { poked: (n) => heard(n) } });
    await child.start();
    child.tell('poke', 41);
    expect(await poked).to.equal(42);
    const { env } = await child.ask('state', null);
    expect(env)
      .to.include('GIVEN')
      .and.include('SLUICE_FEC_KERNEL')
      .and.not.include('SLUICE_TEST_SECRET')
      .and.not.include('HOME');
    delete process.env.SLUICE_TEST_SECRET;
    delete process.env.SLUICE_FEC_KERNEL;
  });

  it('keeps code and detail of our errors and calls the others INTERNAL', async () => {
    const child = echoChild();
    await child.start();
    expect(await failure(child.ask('refuse', 'ours'))).to.deep.equal({ code: 'SPOOL_FULL', text: 'by 3 bytes' });
    expect((await failure(child.ask('refuse', 'foreign'))).code).to.equal('INTERNAL');
    expect((await failure(child.ask('toString' as 'echo', null))).code).to.equal('INTERNAL');
  });

  it('rejects what was asked when it dies, starts again, and hands over the initial state first', async () => {
    const exits: ExitReason[] = [];
    let starts = 0;
    const child = echoChild({
      onStart: async (voice) => {
        await voice.ask('init', `start ${++starts}`);
      },
      onExit: (why) => exits.push(why),
    });
    await child.start();
    const before = await child.ask('state', null);
    const asked = child.ask('never', null);
    const never = failure(asked);
    const died = failure(child.ask('exit', 9));
    expect((await died).text).to.contain('exit code 9');
    expect((await never).code).to.equal('CHILD_FAILED');
    expect(isChildsEnd(await asked.catch((error) => error)), 'told by its attendant').to.equal(true);
    const slow = child.ask('never', null, 1).catch((error) => error);
    expect(isChildsEnd(await slow), 'told by nobody else').to.equal(false);
    // Asked while it is down: waits for the new one.
    const after = await child.ask('state', null);
    expect([before.state, after.state]).to.deep.equal(['start 1', 'start 2']);
    expect(after.pid).not.to.equal(before.pid);
    expect(exits).to.deep.equal([{ code: 9, signal: null, expected: false }]);
  });

  it('comes back after kill, not when restart is off', async () => {
    const child = echoChild();
    const once = echoChild({ restart: false });
    await Promise.all([child.start(), once.start()]);
    const asked = failure(child.ask('hang', null));
    child.kill();
    once.kill();
    expect((await asked).text).to.contain('SIGKILL');
    expect(await child.ask('echo', 1)).to.equal(1);
    await sleep(20);
    expect((await failure(once.ask('echo', 1))).code).to.equal('CHILD_FAILED');
  });

  it('gives up on an answer in time and ignores it when it comes late', async () => {
    const child = echoChild();
    await child.start();
    expect((await failure(child.ask('never', null, 30))).text).to.contain('within 30 ms');
    expect(await child.ask('echo', 'still there')).to.equal('still there');
  });

  it('reports a first start that fails, with the reason of the child or of onStart, and leaves nothing behind', async () => {
    expect(await failure(echoChild({ env: { FAIL_AT_START: '1' } }).start())).to.include({ code: 'CHILD_FAILED' });
    let pid = 0;
    const bad = echoChild({
      onStart: async (voice) => {
        pid = voice.pid!;
        await voice.ask('init', 'bad');
      },
    });
    expect(await failure(bad.start())).to.deep.equal({ code: 'KEY_EXPOSED', text: 'in a test' });
    expect(alive(pid)).to.equal(false);
    expect((await failure(echoChild({ cwd: '/no/such/folder' }).start())).code).to.equal('CHILD_FAILED');
  });

  it('stops in order: the last events arrive, a stubborn or hanging child is killed after the grace time', async () => {
    const last: string[] = [];
    const exits: ExitReason[] = [];
    const polite = echoChild({ onEvent: { stopped: (text) => last.push(text) }, onExit: (why) => exits.push(why) });
    await polite.start();
    await polite.ask('init', 'said');
    await polite.stop();
    expect(last).to.deep.equal(['said']);
    expect(exits).to.deep.equal([{ code: 0, signal: null, expected: true }]);

    const stubborn = echoChild({ onExit: (why) => exits.push(why) });
    await stubborn.start();
    await stubborn.ask('init', 'stubborn');
    const waiting = failure(stubborn.ask('never', null));
    await stubborn.stop(50);
    expect((await waiting).text).to.contain('was stopped');
    expect(exits[1]).to.include({ signal: 'SIGKILL', expected: true });
  });

  it('leaves group signals to the supervisor', async () => {
    const child = echoChild();
    await child.start();
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(child.pid!, signal);
    await sleep(50);
    expect(await child.ask('echo', 'here')).to.equal('here');
  });

  it('kills and replaces a child that closes its channel but stays', async () => {
    let gone: (why: ExitReason) => void;
    const exit = new Promise<ExitReason>((resolve) => {
      gone = resolve;
    });
    const child = echoChild({ onExit: (why) => gone(why) });
    await child.start();
    const { pid } = await child.ask('state', null);
    child.tell('disconnect', null);
    expect(await exit).to.include({ signal: 'SIGKILL', expected: false });
    expect((await child.ask('state', null)).pid).not.to.equal(pid);
    expect(alive(pid)).to.equal(false);
  });

  it('ends with its parent, even while it hangs', async function () {
    if (!existsSync('/proc/self')) this.skip();
    const script = `
      const { Child } = await import(${JSON.stringify(new URL('../../shared/ops/processes/children.js', import.meta.url).href)});
      const make = () => new Child({ name: 'echo', module: new URL(${JSON.stringify(module.href)}) });
      const [idle, hanging] = [make(), make()];
      await Promise.all([idle.start(), hanging.start()]);
      hanging.ask('hang', null).catch(() => {});
      console.log(idle.pid, hanging.pid);`;
    const parent: ChildProcess = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = await once(parent.stdout!, 'data');
    const pids = String(line).trim().split(' ').map(Number);
    expect(pids.map(alive)).to.deep.equal([true, true]);
    parent.kill('SIGKILL');
    for (let i = 0; i < 100 && pids.some(alive); i++) await sleep(50);
    expect(pids.map(alive)).to.deep.equal([false, false]);
  });
});
