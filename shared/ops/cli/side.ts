/** `sluice low` and `sluice high`: run one side until Ctrl-C or SIGTERM; SIGHUP has it read its configuration again. */
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { formatSize } from '../../core/units.js';
import { TOKEN_FILE } from '../console/tokenFile.js';
import { Child, DISK_SILENT_MS, type ExitReason, isChildsEnd, type Protocol } from '../processes/children.js';
import { stopRedisLeftBehind } from '../queues/redis-server.js';
import type {
  HighObjectNews,
  HighProtocol,
  HighReady,
  LowObjectNews,
  LowProtocol,
  LowReady,
  SideStart,
} from '../sides.js';
import type { ExitCode } from './exitCode.js';
import { jsonLine, jsonLines, sayLine, sayLines, untilStopped } from './output.js';

/** The embedded queue store alone takes some seconds to start cold. */
const START_MS = 120_000;
const STOP_MS = 15_000;

export function addSideCommands(program: Command, finish: (code: ExitCode) => void): void {
  for (const side of ['low', 'high'] as const) {
    program
      .command(side)
      .description(`run the ${side} side until Ctrl-C`)
      .requiredOption('--config <file>', 'configuration file')
      .requiredOption('--state <dir>', 'folder for ledger, spool, queues and logs of this side')
      .option('--json', 'what happens, as JSON lines on stdout')
      .action(async ({ config, state, json }) => {
        const start = { configFile: resolve(config), stateDir: resolve(state) };
        finish(await runSide(side, start, json === true));
      });
  }
}

async function runSide(side: 'low' | 'high', start: SideStart, json: boolean): Promise<ExitCode> {
  const stopped = untilStopped(() => {
    // The supervisor answers in its log. It takes signals once it has said that it is there.
    if (isThere && child.pid !== undefined) process.kill(child.pid, 'SIGHUP');
  });
  let isThere = false;
  let ended: (code: ExitCode) => void = () => {};
  const died = new Promise<ExitCode>((resolve) => {
    ended = resolve;
  });
  let endedWith = null as number | null;
  const child = new Child<LowProtocol | HighProtocol>({
    silentMs: DISK_SILENT_MS,
    name: `${side} side`,
    module: new URL(`../../../${side === 'low' ? 'ingress' : 'egress'}/main.js`, import.meta.url),
    restart: false,
    onEvent: {
      objects: (news: News[]) => {
        if (json) jsonLines(news.map((item) => ({ event: 'object', side, ...item })));
        else sayLines(news.filter(({ state }) => WORTH_A_LINE.includes(state)).map(lineOf));
      },
      alarm: ({ code, words }: { code: string; words: string }) => {
        sayLine(`${code}: ${words}`);
        if (json) jsonLine({ event: 'alarm', side, code, words });
      },
    },
    onExit: ({ expected, code }: ExitReason) => {
      // A supervisor that was sent SIGTERM ends in order, like one that was asked to.
      endedWith = code;
      if (!expected) ended(code === 0 ? 0 : 1);
    },
  } as never) as Child<Protocol>;
  await child.start();
  isThere = true;
  try {
    const ready = (await child.ask('start', start, START_MS)) as Ready;
    sayLine(`${side} side is running; ${listeningOf(ready)}datagrams: ${ready.transport}; queues: ${ready.queueStore}`);
    const { console: served, ...rest } = ready;
    // Where the token is, never the token: this output is kept in logs.
    if (served) sayLine(`console: ${served.url} (its token: ${join(start.stateDir, TOKEN_FILE)})`);
    if (json) jsonLine({ event: 'ready', side, ...rest, console: served?.url ?? null });
    const outcome = await Promise.race([stopped.then((): ExitCode => 0), died]);
    if (outcome !== 0) sayLine(`The ${side} side ended unexpectedly; its log is in ${start.stateDir}.`);
    return outcome;
  } catch (error) {
    // A signal to the whole group while it was being started: both end, and that is what was asked for.
    if (isChildsEnd(error) && endedWith === 0) return 0;
    throw error;
  } finally {
    await child.stop(STOP_MS);
    // A supervisor that was killed could not stop its queue store.
    await stopRedisLeftBehind(start.stateDir);
  }
}

type Ready = Pick<LowReady | HighReady, 'queueStore' | 'console' | 'transport'> & {
  port?: number;
  receiveBufferBytes?: number;
};
type News = LowObjectNews | HighObjectNews;

/** States an operator wants to see go by; the others are steps on the way. */
const WORTH_A_LINE: readonly string[] = [
  'refused',
  'held',
  'withdrawn',
  'sent',
  'released',
  'quarantined',
  'incomplete',
];

function lineOf({ tenant, path, sequence, state, code, detail }: News): string {
  const what = path === '' ? `sequence number ${sequence}` : `${tenant}/${path}`;
  return `${state.padEnd(11)} ${what}${code ? `  ${code} ${detail ?? ''}` : ''}`.trimEnd();
}

function listeningOf({ port, receiveBufferBytes }: Ready): string {
  return port === undefined ? '' : `listening on port ${port}, receive buffer ${formatSize(receiveBufferBytes ?? 0)}; `;
}
