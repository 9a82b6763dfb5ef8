/**
 * The boards: bull-board in a scope of its own, below /boards. It only looks. The buttons that change something lead to
 * acts of the side, which records them, with the operator's name and reason, before it carries them out; what is not in
 * the table below is refused.
 */
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { createBullBoard } from '@bull-board/api';
import { FastifyAdapter } from '@bull-board/fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { codeOf, ERRORS } from '../../core/errors.js';
import { BoardQueue } from './boardQueue.js';
import type { Supervisor } from './client.js';
import type { Operator } from './sessions.js';

export const BOARDS = '/boards';

export interface BoardOptions {
  side: 'low' | 'high';
  stages: readonly string[];
  readOnly: boolean;
  supervisor: Supervisor;
  operatorOf: (request: FastifyRequest) => Operator;
}

/** Where bull-board's own files lie; it would look for them from its own place, which need not be ours. */
const UI_FOLDER = dirname(createRequire(import.meta.url).resolve('@bull-board/ui/package.json'));

interface Params {
  queueName?: string;
  jobId?: string;
  queueStatus?: string;
}

const ofStage = ({ queueName }: Params) => queueName!;
const ofJob = ({ queueName, jobId }: Params) => `${queueName}/${jobId}`;
const ofAll = () => 'all';

/** bull-board's buttons -> acts of the side. */
const ACTS: Record<string, [kind: string, argument: (params: Params) => string]> = {
  '/api/queues/pause': ['pause', ofAll],
  '/api/queues/resume': ['resume', ofAll],
  '/api/queues/:queueName/pause': ['pause', ofStage],
  '/api/queues/:queueName/resume': ['resume', ofStage],
  '/api/queues/:queueName/retry/:queueStatus': ['retry', ofStage],
  '/api/queues/:queueName/promote': ['promote', ofStage],
  '/api/queues/:queueName/clean/:queueStatus': [
    'clean',
    ({ queueName, queueStatus }) => `${queueName} ${queueStatus === 'wait' ? 'waiting' : queueStatus}`,
  ],
  '/api/queues/:queueName/empty': ['clean', ({ queueName }) => `${queueName} waiting`],
  '/api/queues/:queueName/:jobId/retry': ['retry', ofJob],
  '/api/queues/:queueName/:jobId/promote': ['promote', ofJob],
  '/api/queues/:queueName/:jobId/clean': ['discard', ofJob],
};

export async function mountBoards(app: FastifyInstance, options: BoardOptions): Promise<void> {
  const { side, stages, readOnly, supervisor } = options;
  const adapter = new FastifyAdapter();
  adapter.setBasePath(BOARDS);
  createBullBoard({
    queues: stages.map((stage) => new BoardQueue(stage, supervisor, readOnly)),
    serverAdapter: adapter,
    options: {
      uiBasePath: UI_FOLDER,
      uiConfig: {
        boardTitle: `Sluice, ${side} side`,
        hideDocsLink: true,
        hideRedisDetails: true,
        showWorkers: false,
        showMetrics: false,
        sortQueues: false,
        miscLinks: [{ text: 'Overview', url: '/' }],
        environment: { label: `${side} side`, color: side === 'low' ? '#1d5fa8' : '#5b3a9e', textColor: '#ffffff' },
      },
    },
  });
  // Its own answer would carry whatever an error says.
  adapter.setErrorHandler((error) => ({
    status: statusOf(error) as 500,
    body: { error: { key: 'ERRORS.INTERNAL_SERVER_ERROR' }, message: ERRORS[codeOf(error)].meaning },
  }));
  await app.register(
    async (scope) => {
      scope.addHook('preHandler', (request, reply) => actInstead(request, reply, options));
      scope.addHook('onSend', async (_, reply, payload) => {
        if (!String(reply.getHeader('content-type') ?? '').startsWith('text/html')) return payload;
        return typeof payload === 'string' ? ownPage(payload) : payload;
      });
      await scope.register(adapter.registerPlugin() as never, { prefix: '' });
    },
    { prefix: BOARDS },
  );
}

/** What is wrong with a request is its sender's affair, everything else is ours. */
function statusOf(error: Error & { statusCode?: number }): number {
  const { statusCode = 500 } = error;
  return statusCode >= 400 && statusCode < 500 ? statusCode : 500;
}

async function actInstead(request: FastifyRequest, reply: FastifyReply, options: BoardOptions): Promise<unknown> {
  if (request.method === 'GET' || request.method === 'HEAD') return undefined;
  const refuse = (status: number, message: string) =>
    reply
      .code(status)
      .send({ error: { key: status === 405 ? 'ERRORS.QUEUE_READ_ONLY' : 'ERRORS.FORBIDDEN' }, message });
  if (options.readOnly) return refuse(405, 'This console only shows (console.readOnly).');
  const route = (request.routeOptions.url ?? '').slice(BOARDS.length);
  const act = request.method === 'PUT' ? ACTS[route] : undefined;
  const params = request.params as Params;
  if (!act || (route.includes('/retry/') && params.queueStatus !== 'failed')) {
    return refuse(403, 'This is not offered here: jobs are made from spool and ledger, and from nothing else.');
  }
  const [kind, argument] = act;
  const { who, why } = options.operatorOf(request);
  if (why === '')
    return refuse(422, 'Say why, for the record: a header X-Sluice-Why (and X-Sluice-Who for your name).');
  const answer = await options.supervisor.perform({ kind, argument: argument(params), who, why });
  if (!answer.startsWith('yes')) return refuse(409, answer.replace(/^no: /, ''));
  // The board wants the numbers of a "retry all"; the rest reads nothing.
  return reply.code(200).send(kind === 'retry' ? { retried: Number(/\d+/.exec(answer)?.[0] ?? 0), skipped: 0 } : {});
}

/** bull-board's page without what it links from elsewhere, and without styles inside it: the policy allows neither. */
function ownPage(page: string): string {
  return page
    .replace(/<link[^>]+href="https?:[^>]*>/g, '')
    .replace(/<style>[\s\S]*?<\/style>/g, '')
    .replace(/(<div id="root">)[\s\S]*?(<\/div>\s*<script)/, '$1Loading$2')
    .replace('</head>', '<link href="/boards.css" rel="stylesheet"></head>');
}

/** What the boards must not offer is not shown either: obliterating a queue, and pages of other hosts. */
export const BOARD_STYLE = `
a[href^="http"] { display: none !important; }
[role="menuitem"][class*="danger-"] { display: none !important; }
`;
