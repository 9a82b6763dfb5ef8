/** What other machines watch: is it alive, can it do its work, its figures; and how it stands, as JSON. */
import type { FastifyInstance } from 'fastify';
import { ERRORS, type ErrorCode } from '../../core/errors.js';
import type { SideStatus, StatusPush } from '../health/status.js';

/** A supervisor that has said nothing for this long hangs, or is not there any more. */
const FRESH_MS = 5_000;

type Told = () => { push: StatusPush; ageMs: number } | undefined;

export function mountHealth(app: FastifyInstance, told: Told): void {
  app.get('/healthz', (_, reply) => {
    const last = told();
    const isFresh = last !== undefined && last.ageMs < FRESH_MS;
    return reply.code(isFresh ? 200 : 503).send({ ok: isFresh, toldMsAgo: last ? Math.round(last.ageMs) : null });
  });
  app.get('/readyz', (_, reply) => {
    const reasons = whyNotReady(told());
    return reply.code(reasons.length === 0 ? 200 : 503).send({ ready: reasons.length === 0, reasons });
  });
  app.get('/metrics', (_, reply) => {
    const last = told();
    if (!last) return reply.code(503).type('text/plain; charset=utf-8').send('');
    return reply.type('text/plain; version=0.0.4; charset=utf-8').send(last.push.metrics);
  });
  app.get('/api/status', (_, reply) => {
    const last = told();
    if (!last) return reply.code(503).send({ status: 503, message: 'The side has not said yet how it stands.' });
    return reply.send(last.push.status);
  });
}

/** In words, each with the code of the alarm it comes from. Empty when the side can do its work. */
export function whyNotReady(last: { push: { status: SideStatus }; ageMs: number } | undefined): string[] {
  if (!last || last.ageMs >= FRESH_MS) return ['The supervisor does not say how the side stands.'];
  const { status } = last.push;
  const reasons = status.alarms.filter(({ code }) => stops(code)).map(({ code, words }) => `${code}: ${words}`);
  if (!status.queueStore.isUp) reasons.push('QUEUE_STORE_UNAVAILABLE: The queue store does not answer.');
  if (status.side === 'low' && status.heldBack !== '') reasons.push(`Nothing is taken: ${status.heldBack}`);
  for (const { name, isPaused } of status.stages) if (isPaused) reasons.push(`The stage ${name} is paused.`);
  for (const { name, pid } of status.processes) {
    if (pid === 0) reasons.push(`CHILD_FAILED: The ${name} process does not run.`);
  }
  return [...new Set(reasons)];
}

/** Alarms while which a side cannot do its work; others are about single objects, or need only be known. */
const STOPPING: readonly ErrorCode[] = [
  'SPOOL_FULL',
  'SPOOL_IO',
  'STORAGE_FULL',
  'LINK_SILENT',
  'LINK_SOCKET',
  'SEAL_UNAVAILABLE',
  'SCAN_UNAVAILABLE',
];
const stops = (code: string): boolean => Object.hasOwn(ERRORS, code) && STOPPING.includes(code as ErrorCode);
