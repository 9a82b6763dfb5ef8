/**
 * The HTTP shell of a side: login, overview, boards, health and metrics. It serves what it was told and asks the
 * supervisor for the rest. Nothing it sends loads anything from elsewhere.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import cookie from '@fastify/cookie';
import formbody from '@fastify/formbody';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { LIMITS } from '../../core/limits.js';
import type { StatusPush } from '../health/status.js';
import { plain } from '../queues/words.js';
import { BOARD_STYLE, BOARDS, mountBoards } from './board.js';
import type { Supervisor } from './client.js';
import { mountHealth } from './health.js';
import type { ConsoleSettings } from './messages.js';
import { isFromOwnPage, isOwnHost } from './origin.js';
import { ICON, type LoginPage, loginPage, overviewPage, STYLE } from './pages.js';
import { type Operator, Sessions } from './sessions.js';
import { Throttle } from './throttle.js';
import { languageOf } from './words.js';

export interface ConsoleTools {
  supervisor: Supervisor;
  /** What the supervisor last told, and how long ago. */
  told: () => { push: StatusPush; ageMs: number } | undefined;
  loginsFailed: (times: number, address: string) => void;
  /** Monotonic milliseconds. */
  now: () => number;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; undefined for pages that need no login. */
    operator: Operator | undefined;
  }
}

interface Login {
  token?: string;
  who?: string;
  why?: string;
}

/** Served to whoever may reach the port: nothing in them is a secret. */
const OPEN_PATHS: readonly string[] = ['/login', '/console.css', '/console.svg', '/boards.css', '/favicon.ico'];
const WATCH_PATHS: readonly string[] = ['/healthz', '/readyz', '/metrics'];
const isLoopback = (host: string): boolean => host.startsWith('127.');

export async function openConsole(
  settings: ConsoleSettings,
  tools: ConsoleTools,
): Promise<{ app: FastifyInstance; port: number }> {
  const { side, host, readOnly } = settings;
  const app = fastify({
    bodyLimit: LIMITS.consoleMaxBodyBytes,
    routerOptions: { maxParamLength: LIMITS.queueKeyMaxBytes },
    requestTimeout: 30_000,
    connectionTimeout: 60_000,
    forceCloseConnections: true,
    // Nothing that stands in front of it is believed: addresses are those of the connections.
    trustProxy: false,
    // Its own words would repeat the address that was asked for.
    frameworkErrors: (_, request, reply) => void fail(request, reply, 400),
  });
  app.server.maxConnections = LIMITS.consoleMaxConnections;
  const listening = { host, port: settings.port };
  const sessions = new Sessions(settings.token, settings.sessionLifetimeMs, tools.now);
  const throttle = new Throttle(tools.now, tools.loginsFailed);

  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        fontSrc: ["'self'"],
        connectSrc: ["'self'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
        baseUri: ["'self'"],
      },
    },
    // Forms of our own pages are to say where they come from.
    referrerPolicy: { policy: 'same-origin' },
    strictTransportSecurity: false,
    crossOriginEmbedderPolicy: false,
    xFrameOptions: { action: 'deny' },
  });
  await app.register(rateLimit, { max: LIMITS.consoleRequestsPerMinute, timeWindow: 60_000 });
  await app.register(cookie);
  await app.register(formbody);

  const cookieName = () => `sluice-${side}-${listening.port}`;
  app.decorateRequest('operator', undefined);
  app.setErrorHandler((error: { statusCode?: number }, request, reply) => {
    const status = error.statusCode && error.statusCode >= 400 && error.statusCode < 500 ? error.statusCode : 500;
    return fail(request, reply, status);
  });
  app.setNotFoundHandler((request, reply) => fail(request, reply, 404));

  app.addHook('onRequest', async (request, reply) => {
    reply.header('cache-control', 'no-store');
    if (!isOwnHost(request.headers.host, listening)) return fail(request, reply, 421);
    const path = request.url.split('?', 1)[0]!;
    const bearer = /^Bearer ([\x21-\x7e]{1,200})$/.exec(request.headers.authorization ?? '')?.[1];
    if (bearer !== undefined) {
      await sleep(throttle.delayMs(request.ip));
      if (sessions.isToken(bearer)) {
        throttle.succeeded(request.ip);
        request.operator = {
          who: textOf(request.headers['x-sluice-who'], 100) || 'a script with the token',
          why: textOf(request.headers['x-sluice-why'], LIMITS.requestMaxText),
        };
      } else throttle.failed(request.ip);
    } else request.operator = sessions.of(request.cookies[cookieName()]);
    if (!['GET', 'HEAD'].includes(request.method) && !isFromOwnPage(request.headers, bearer !== undefined)) {
      return fail(request, reply, 403);
    }
    if (request.operator || OPEN_PATHS.includes(path)) return undefined;
    if (WATCH_PATHS.includes(path) && isLoopback(host)) return undefined;
    if (isPage(request, path)) return reply.redirect('/login', 303);
    return fail(request, reply, 401);
  });

  const login = (request: FastifyRequest, reply: FastifyReply, status: number, more: Partial<LoginPage> = {}) =>
    sendPage(reply.code(status), loginPage({ side, readOnly, language: language(request), ...more }));
  app.get('/login', (request, reply) => login(request, reply, 200));
  app.post(
    '/login',
    { config: { rateLimit: { max: LIMITS.consoleLoginsPerMinute, timeWindow: 60_000 } } },
    async (request, reply) => {
      const body = (request.body ?? {}) as Login;
      const [who, why] = [textOf(body.who, 100), textOf(body.why, LIMITS.requestMaxText)];
      await sleep(throttle.delayMs(request.ip));
      if (typeof body.token !== 'string' || !sessions.isToken(body.token.trim())) {
        throttle.failed(request.ip);
        return login(request, reply, 401, { problem: 'wrongToken', who });
      }
      throttle.succeeded(request.ip);
      if (who === '') return login(request, reply, 400, { problem: 'nameMissing' });
      if (why === '' && !readOnly) return login(request, reply, 400, { problem: 'whyMissing', who });
      sessions.end(request.cookies[cookieName()]);
      reply.setCookie(cookieName(), sessions.begin({ who, why }), {
        path: '/',
        httpOnly: true,
        sameSite: 'strict',
        maxAge: Math.floor(settings.sessionLifetimeMs / 1_000),
      });
      return reply.redirect('/', 303);
    },
  );
  app.post('/logout', async (request, reply) => {
    sessions.end(request.cookies[cookieName()]);
    return reply.clearCookie(cookieName(), { path: '/' }).redirect('/login', 303);
  });

  app.post('/why', (request, reply) => {
    const why = textOf(((request.body ?? {}) as Login).why, LIMITS.requestMaxText);
    // Without one the earlier reason stays.
    if (why !== '') sessions.because(request.cookies[cookieName()], why);
    return reply.redirect('/', 303);
  });

  app.get('/', (request, reply) => {
    const told = tools.told();
    const { refresh } = request.query as { refresh?: string };
    const view = {
      side,
      readOnly,
      language: language(request),
      operator: request.operator!,
      refresh: refresh !== 'off',
    };
    return sendPage(reply, overviewPage({ ...view, status: told?.push.status, ageMs: told?.ageMs ?? 0 }));
  });
  app.get('/console.css', (_, reply) => reply.type('text/css; charset=utf-8').send(STYLE));
  app.get('/boards.css', (_, reply) => reply.type('text/css; charset=utf-8').send(BOARD_STYLE));
  app.get('/console.svg', (_, reply) => reply.type('image/svg+xml').send(ICON));
  mountHealth(app, tools.told);
  await mountBoards(app, {
    side,
    readOnly,
    stages: settings.stages,
    supervisor: tools.supervisor,
    operatorOf: (request) => request.operator!,
  });

  await app.listen({ host, port: settings.port });
  const address = app.server.address();
  listening.port = typeof address === 'object' && address !== null ? address.port : settings.port;
  return { app, port: listening.port };
}

const language = (request: FastifyRequest) =>
  languageOf((request.query as { lang?: unknown }).lang, request.headers['accept-language']);

const textOf = (value: unknown, most: number): string => (typeof value === 'string' ? plain(value.trim(), most) : '');

const sendPage = (reply: FastifyReply, page: string) => reply.type('text/html; charset=utf-8').send(page);

/** A person's browser is led to the login; a script is told so. */
const isPage = (request: FastifyRequest, path: string): boolean =>
  request.method === 'GET' &&
  !path.startsWith('/api/') &&
  !path.startsWith(`${BOARDS}/api/`) &&
  !WATCH_PATHS.includes(path);

const MEANINGS: Record<number, string> = {
  400: 'This is not an address of this console.',
  401: 'Log in first, or send the token: Authorization: Bearer TOKEN.',
  403: 'This request does not come from a page of this console.',
  404: 'There is nothing here.',
  413: 'That is too much.',
  421: 'This console has another address.',
  429: 'Too many requests; wait a little.',
};

/** Says what is wrong and nothing about the inside. */
function fail(request: FastifyRequest, reply: FastifyReply, status: number): FastifyReply {
  if (status === 401) reply.header('www-authenticate', 'Bearer');
  request.log.debug({ status }, 'refused');
  return reply
    .code(status)
    .type('application/json; charset=utf-8')
    .send({ status, message: MEANINGS[status] ?? 'It did not work.' });
}
