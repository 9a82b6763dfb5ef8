/** `sluice demo`: the whole gateway on one machine, once over a folder or live with sample files. */
import { type Command, Option } from 'commander';
import { SluiceError } from '../../core/errors.js';
import { demoLive } from '../demo/live.js';
import { demoOnce } from '../demo/once.js';
import type { ExitCode } from './exitCode.js';
import { addImpairmentOptions, impairmentsOf } from './impairments.js';
import { atLeast, duration, rateText, whole } from './numbers.js';
import { jsonLine, sayLine, untilStopped } from './output.js';

/** What one machine that plays all three parts carries without loss of its own; see docs/ARCHITECTURE.md. */
const DEMO_RATE = '200Mbps';

export function addDemoCommand(program: Command, finish: (code: ExitCode) => void): void {
  const command = program
    .command('demo')
    .description('low side, simulated link and high side on this machine; without --once: sample files, until Ctrl-C')
    .option('--once', 'carry --input to --out, report, and end')
    .option('--input <dir>', 'folder whose files are sent; it is only read')
    .option('--out <dir>', 'folder for the storage of the high side; empty or absent')
    .option('--tenant <name>', 'tenant the files belong to', 'demo')
    .option('--state <dir>', 'folder for ledgers, spools and queues (default: a temporary one)')
    .addOption(
      new Option('--timeout <duration>', 'end when nothing has moved for this long')
        .argParser(duration)
        .default(30_000, '30s'),
    )
    .option('--policy <file>', 'policy of the low side (default: the open policy)')
    .addOption(
      new Option('--queues <store>', 'queue store').choices(['auto', 'redis-server', 'embedded']).default('auto'),
    )
    .addOption(
      new Option('--transport <kind>', 'how datagrams are sent').choices(['auto', 'batched', 'dgram']).default('auto'),
    )
    .addOption(new Option('--rate <rate>', 'rate of the sender').argParser(rateText).default(DEMO_RATE))
    .addOption(
      new Option('--overhead <fraction>', 'repair symbols for each source symbol').argParser(atLeast(0)).default(0.1),
    )
    .addOption(new Option('--mtu <bytes>', 'IP MTU of the link').argParser(whole(1, 65_535)).default(1500));
  addImpairmentOptions(command)
    .option('--json', 'one JSON object on stdout')
    .action(async (options) => {
      finish(options.once ? await once(options) : await live(options));
    });
}

async function once(options: Record<string, never>): Promise<ExitCode> {
  if (!options.input || !options.out) throw new SluiceError('USAGE', '--once needs --input and --out.');
  const report = await demoOnce({
    stopped: untilStopped(),
    input: options.input,
    out: options.out,
    tenant: options.tenant!,
    ...(options.state === undefined ? {} : { state: options.state }),
    ...(options.policy === undefined ? {} : { policy: options.policy }),
    timeoutMs: options.timeout!,
    queues: options.queues!,
    link: linkOf(options),
    impairments: impairmentsOf(options),
    say: sayLine,
  });
  if (options.json) jsonLine(report);
  else for (const [name, value] of Object.entries(report)) sayLine(`${name.padEnd(20)} ${value}`);
  const good =
    report.released === report.objects && report.identical === report.objects && report.highToLowDatagrams === 0;
  return good ? 0 : 1;
}

async function live(options: Record<string, never>): Promise<ExitCode> {
  const stopped = untilStopped();
  return demoLive({
    ...(options.state === undefined ? {} : { state: options.state }),
    queues: options.queues!,
    link: linkOf(options),
    impairments: impairmentsOf(options),
    say: sayLine,
    stopped,
  });
}

function linkOf({ rate, overhead, mtu, transport }: Record<string, never>) {
  return { rate: rate!, overhead: overhead!, mtu: mtu!, transport: transport! };
}
