/** The simulated link on real sockets and as a real process. */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { SluiceError } from '../../shared/core/errors.js';
import { dropsInTable, readUdpDrops } from '../../shared/link/kernelDrops.js';
import { runSimulator, type Simulator, type SimulatorCounters } from '../../shared/link/simulator.js';
import { type FromSimulator, SIMULATOR_MODULE, type ToSimulator } from '../../shared/link/simulatorMessages.js';

const HOST = '127.0.0.1';

/** Waits until something holds, and says where it never did. */
async function until(holds: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + 10_000;
  while (!holds()) {
    if (performance.now() > deadlineMs) throw new Error(`never came true: ${holds}`);
    await sleep(2);
  }
}

describe('link simulator', () => {
  const open: Socket[] = [];
  const running: Simulator[] = [];
  const children: ChildProcess[] = [];

  /** A bound socket and what it hears. */
  async function station() {
    const socket = createSocket('udp4');
    open.push(socket);
    const heard: Buffer[] = [];
    socket.on('message', (datagram) => heard.push(datagram));
    socket.bind(0, HOST);
    await once(socket, 'listening');
    socket.setRecvBufferSize(1 << 20);
    return { socket, heard, port: socket.address().port };
  }
  async function start(options: Partial<Parameters<typeof runSimulator>[0]>, hooks = {}): Promise<Simulator> {
    const simulator = await runSimulator({ seed: 1, ...options }, hooks);
    running.push(simulator);
    return simulator;
  }
  const datagram = (number: number): Buffer => {
    const bytes = Buffer.alloc(1_472, number);
    bytes.writeUInt32LE(number);
    return bytes;
  };

  afterEach(async () => {
    for (const simulator of running.splice(0)) await simulator.stop();
    for (const socket of open.splice(0)) socket.close();
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });

  it('forwards what arrives, unchanged and in order, and counts it', async () => {
    const [low, high] = [await station(), await station()];
    const link = await start({ targetHost: HOST, targetPort: high.port });
    expect(link.receiveBufferBytes).to.be.greaterThan(100_000);
    for (let i = 0; i < 500; i++) low.socket.send(datagram(i), link.inputPort, HOST);
    await until(() => high.heard.length === 500);
    high.heard.forEach((bytes, i) => {
      expect(bytes.equals(datagram(i))).to.equal(true);
    });
    expect(link.counters()).to.include({ received: 500, forwarded: 500, bytes: 736_000, highToLow: 0, sendFailed: 0 });
  });

  it('applies impairments: loss, duplicates and reordering add up at the far end', async () => {
    const [low, high] = [await station(), await station()];
    const impairments = { seed: 5, loss: 0.2, duplicate: 0.2, reorder: 16 };
    const link = await start({ ...impairments, targetHost: HOST, targetPort: high.port });
    for (let i = 0; i < 400; i++) low.socket.send(datagram(i), link.inputPort, HOST);
    await until(() => link.counters().received === 400);
    // The last ones are held until the silence; the timer lets them go.
    await until(() => {
      const { forwarded, lost, duplicated } = link.counters();
      return forwarded === 400 - lost + duplicated && high.heard.length === forwarded;
    });
    const { lost, duplicated, reordered } = link.counters();
    for (const [key, value] of Object.entries({ lost, duplicated, reordered })) expect(value, key).to.be.greaterThan(0);
  });

  it('FAULTS 62: one datagram from the high side is counted and goes nowhere, and the input socket never sends', async () => {
    const [low, high] = [await station(), await station()];
    const link = await start({ targetHost: HOST, targetPort: high.port });
    low.socket.send(datagram(1), link.inputPort, HOST);
    await until(() => high.heard.length === 1);
    high.socket.send('back', link.outputPort, HOST);
    await until(() => link.counters().highToLow === 1);
    low.socket.send(datagram(2), link.inputPort, HOST);
    await until(() => high.heard.length === 2);
    expect(link.counters()).to.include({ received: 2, forwarded: 2, highToLow: 1 });
    expect(low.heard).to.deep.equal([]);
  });

  it('is not stopped by a far end that is not there, nor by one the kernel refuses', async () => {
    const [low, high] = [await station(), await station()];
    const gone = await station();
    open.splice(open.indexOf(gone.socket), 1);
    gone.socket.close();
    const link = await start({ targetHost: HOST, targetPort: gone.port });
    for (let i = 0; i < 100; i++) low.socket.send(datagram(i), link.inputPort, HOST);
    await until(() => link.counters().forwarded === 100);
    expect(link.counters().sendFailed).to.equal(0);
    // Broadcasting is not allowed without asking for it: EACCES. One send in 16 is watched while all goes well, so up
    // to 15 failures pass before each one is counted.
    await link.setTarget('255.255.255.255', 9);
    for (let i = 0; i < 100; i++) low.socket.send(datagram(i), link.inputPort, HOST);
    await until(() => link.counters().forwarded === 200);
    expect(link.counters().sendFailed).to.be.within(85, 100);
    await link.setTarget(HOST, high.port);
    low.socket.send(datagram(7), link.inputPort, HOST);
    await until(() => high.heard.length === 1);
    expect(link.counters()).to.include({ socketErrors: 0, highToLow: 0 });
  });

  it('counts what arrives before a target is known, and sends to it from then on', async () => {
    const [low, high] = [await station(), await station()];
    const link = await start({});
    low.socket.send(datagram(1), link.inputPort, HOST);
    await until(() => link.counters().sendFailed === 1);
    await link.setTarget('localhost', high.port);
    low.socket.send(datagram(2), link.inputPort, HOST);
    await until(() => high.heard.length === 1);
    expect(high.heard[0]!.equals(datagram(2))).to.equal(true);
  });

  it('reports counters only when they moved, and lets out what is held when it stops', async () => {
    const [low, high] = [await station(), await station()];
    const reports: SimulatorCounters[] = [];
    const onCounters = (counters: SimulatorCounters) => reports.push(counters);
    const link = await start({ reorder: 1_000, targetHost: HOST, targetPort: high.port }, { onCounters });
    for (let i = 0; i < 50; i++) low.socket.send(datagram(i), link.inputPort, HOST);
    await until(() => link.counters().received === 50);
    const last = await link.stop();
    expect(last).to.include({ received: 50, forwarded: 50 });
    expect(await link.stop()).to.deep.equal(last);
    await until(() => high.heard.length === 50);

    const idle = await start({ targetHost: HOST, targetPort: high.port }, { onCounters });
    reports.length = 0;
    await until(() => reports.length === 1);
    await sleep(700);
    expect(reports.length).to.equal(1);
    low.socket.send(datagram(1), idle.inputPort, HOST);
    await until(() => reports.length === 2);
    expect(reports[1]).to.include({ received: 1 });
  });

  it('refuses a port in use, a port that is none, a name that is none, options that make no sense', async () => {
    const taken = await station();
    const cases: [object, string][] = [
      [{ listenPort: taken.port }, 'LINK_SOCKET'],
      [{ targetHost: HOST, targetPort: 70_000 }, 'LINK_SOCKET'],
      [{ targetHost: HOST }, 'LINK_SOCKET'],
      [{ listenHost: '203.0.113.7' }, 'LINK_SOCKET'],
      [{ loss: 2 }, 'USAGE'],
    ];
    for (const [options, code] of cases) {
      const outcome = await start(options).catch((error: unknown) => error);
      expect(outcome, JSON.stringify(options)).to.be.instanceOf(SluiceError).with.property('code', code);
    }
  });

  describe('as a process', () => {
    function launch() {
      const child = fork(SIMULATOR_MODULE);
      children.push(child);
      const told: FromSimulator[] = [];
      child.on('message', (message) => told.push(message as FromSimulator));
      const ended = once(child, 'exit') as Promise<[number | null, string | null]>;
      const say = (message: ToSimulator) => child.send(message);
      async function hear<T extends FromSimulator['type']>(type: T): Promise<Extract<FromSimulator, { type: T }>> {
        const match = (message: FromSimulator): message is Extract<FromSimulator, { type: T }> => message.type === type;
        await until(() => told.some(match));
        return told.find(match)!;
      }
      return { child, told, ended, say, hear };
    }

    it('starts, forwards, tells its counters, and ends with 0 when told to', async () => {
      const [low, high] = [await station(), await station()];
      const { say, hear, told, ended } = launch();
      say({ type: 'start', options: { seed: 3 } });
      say({ type: 'target', host: HOST, port: high.port });
      const ready = await hear('ready');
      await until(() => {
        low.socket.send(datagram(1), ready.inputPort, HOST);
        return high.heard.length > 0;
      });
      high.socket.send('back', ready.outputPort, HOST);
      await until(() => told.some((message) => message.type === 'counters' && message.highToLow === 1));
      say({ type: 'stop' });
      expect(await ended).to.deep.equal([0, null]);
      const last = told.at(-1)!;
      expect(last).to.include({ type: 'counters', highToLow: 1 });
      expect((last as SimulatorCounters).received).to.be.greaterThan(0);
    });

    it('ends with 0 on SIGTERM, also before it was started, and not on SIGINT', async () => {
      const one = launch();
      one.say({ type: 'start', options: { seed: 3 } });
      await one.hear('ready');
      one.child.kill('SIGINT');
      one.child.kill('SIGTERM');
      expect(await one.ended).to.deep.equal([0, null]);
      const other = launch();
      other.say({ type: 'stop' });
      expect(await other.ended).to.deep.equal([0, null]);
    });

    it('says why it cannot start, and ends with 3', async () => {
      const { say, hear, ended } = launch();
      say({ type: 'start', options: { seed: 3, loss: 7 } });
      const failed = await hear('failed');
      expect(failed.code).to.equal('USAGE');
      expect(failed.words).to.contain('"loss"');
      expect(await ended).to.deep.equal([3, null]);
    });

    it('ends with 0 when the channel to its parent closes', async () => {
      const { child, say, hear, ended } = launch();
      say({ type: 'start', options: { seed: 3 } });
      await hear('ready');
      child.disconnect();
      expect(await ended).to.deep.equal([0, null]);
    });

    it('ends when its parent is killed', async () => {
      // The simulator inherits the output of the process between; that closes once both have ended.
      const script = `
        import { fork } from 'node:child_process';
        const child = fork(${JSON.stringify(SIMULATOR_MODULE)}, { execArgv: [], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
        child.on('message', (message) => process.stdout.write(message.type + '\\n'));
        child.send({ type: 'start', options: { seed: 1 } });`;
      const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      children.push(parent);
      const closed = once(parent, 'close');
      const [text] = (await once(parent.stdout, 'data')) as [Buffer];
      expect(text.toString()).to.contain('ready');
      parent.kill('SIGKILL');
      await closed;
    });

    it('says what it is for when it is not forked', async () => {
      const child = spawn(process.execPath, [SIMULATOR_MODULE], { stdio: ['ignore', 'ignore', 'pipe'] });
      children.push(child);
      const ended = once(child, 'exit');
      const [text] = (await once(child.stderr, 'data')) as [Buffer];
      expect(text.toString()).to.contain('sluice link');
      expect(await ended).to.deep.equal([2, null]);
    });
  });
});

describe('link kernel drops', () => {
  const TABLE = [
    '   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops',
    ' 7031: 0100007F:1F90 00000000:0000 07 00000000:00000000 00:00000000 00000000  0 0 14610 2 0000000072670f07 42',
    ' 7032: 00000000:1F90 00000000:0000 07 00000000:00000000 00:00000000 00000000  0 0 14611 2 0000000072670f08 8',
    ' 7033: 0100007F:0035 0100007F:1F90 07 00000000:00000000 00:00000000 00000000  0 0 14612 2 0000000072670f09 5',
    '',
  ].join('\n');

  it('adds up the sockets on a local port and knows when there is none', () => {
    expect(dropsInTable(TABLE, 8_080)).to.equal(50);
    expect(dropsInTable(TABLE, 53)).to.equal(5);
    expect(dropsInTable(TABLE, 54)).to.equal(undefined);
    expect(dropsInTable('', 53)).to.equal(undefined);
  });

  it('sees a real socket overflow', async function () {
    if (!existsSync('/proc/net/udp')) this.skip();
    const socket = createSocket({ type: 'udp4', recvBufferSize: 4_096 });
    const sender = createSocket({ type: 'udp4', lookup: (address, _options, done) => done(null, address, 4) });
    const listening = Promise.all([once(socket, 'listening'), once(sender, 'listening')]);
    socket.bind(0, HOST);
    sender.bind(0, HOST);
    await listening;
    const { port } = socket.address();
    expect(readUdpDrops(port)).to.equal(0);
    // Within one turn of the event loop, so that nobody reads meanwhile.
    for (let i = 0; i < 200; i++) sender.send(Buffer.alloc(1_000), port, HOST);
    expect(readUdpDrops(port)).to.be.greaterThan(100);
    socket.close();
    sender.close();
  });
});
