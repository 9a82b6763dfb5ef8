/** `sluice link`: the simulated one-way link as a process of its own. */
import { fork } from 'node:child_process';
import type { Command } from 'commander';
import { SluiceError } from '../../core/errors.js';
import { type FromSimulator, SIMULATOR_MODULE, type ToSimulator } from '../../link/simulatorMessages.js';
import { profilingArguments } from '../processes/profiling.js';
import type { ExitCode } from './exitCode.js';
import { addImpairmentOptions, impairmentsOf } from './impairments.js';
import { rate } from './numbers.js';
import { jsonLine, sayLine, untilStopped } from './output.js';

export function addLinkCommand(program: Command, finish: (code: ExitCode) => void): void {
  const command = program
    .command('link')
    .description('a simulated one-way link: datagrams in, impaired as asked, datagrams out, nothing back')
    .requiredOption('--target <host:port>', 'where datagrams go: the high side')
    .option('--listen <host:port>', 'where the low side sends to (port 0: chosen by the system)', '127.0.0.1:0')
    .option('--output-host <host>', 'address datagrams leave from', '127.0.0.1')
    .option('--rate <rate>', 'rate of the link', rate);
  addImpairmentOptions(command)
    .option('--json', 'counters as JSON lines on stdout')
    .action(async (options) => {
      finish(await runLink(options));
    });
}

function endpoint(text: string): { host: string; port: number } {
  const match = /^([^:]+):(\d{1,5})$/.exec(text);
  if (!match) throw new SluiceError('USAGE', `"${text}" is not HOST:PORT.`);
  return { host: match[1]!, port: Number(match[2]) };
}

function runLink(options: Record<string, string> & { json?: boolean }): Promise<ExitCode> {
  const target = endpoint(options.target!);
  const listen = endpoint(options.listen!);
  const execArgv = profilingArguments('link');
  const child = fork(SIMULATOR_MODULE, { execArgv, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const start: ToSimulator = {
    type: 'start',
    options: {
      ...impairmentsOf(options),
      listenHost: listen.host,
      listenPort: listen.port,
      outputHost: options.outputHost,
      targetHost: target.host,
      targetPort: target.port,
      rateBps: options.rate as unknown as number | undefined,
    },
  };
  child.send(start);
  child.on('message', (message: FromSimulator) => {
    if (options.json) jsonLine(message);
    else if (message.type === 'ready')
      sayLine(`link: listening on ${listen.host}:${message.inputPort}, sending to ${options.target}`);
    if (message.type === 'failed') sayLine(`${message.code}: ${message.words}`);
  });
  void untilStopped().then(() => {
    if (child.connected) child.send({ type: 'stop' } satisfies ToSimulator);
  });
  return new Promise((resolve) => child.once('exit', (code) => resolve(code === 0 ? 0 : 3)));
}
