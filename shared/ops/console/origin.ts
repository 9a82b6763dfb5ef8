/** Whether a request is meant for this console and comes from one of its own pages: against rebinding and forgery. */
import type { IncomingHttpHeaders } from 'node:http';
import { isIPv4 } from 'node:net';

/** A name that leads elsewhere, however it resolves, is refused: the Host header must be the address itself. */
export function isOwnHost(host: string | undefined, listening: { host: string; port: number }): boolean {
  const match = /^([^:]+)(?::(\d{1,5}))?$/.exec(host ?? '');
  if (!match || Number(match[2] ?? 80) !== listening.port) return false;
  const name = match[1]!.toLowerCase();
  if (name === listening.host) return true;
  if (listening.host.startsWith('127.')) return name === 'localhost' || name === '127.0.0.1';
  // Listening everywhere: any address may be this machine's. No name is: names are what rebinding works with.
  return listening.host === '0.0.0.0' && isIPv4(name);
}

/** A write must come from a page of this console, or, from a script that is no browser, with the token itself. */
export function isFromOwnPage(headers: IncomingHttpHeaders, byToken: boolean): boolean {
  const { origin, host } = headers;
  const site = headers['sec-fetch-site'];
  if (origin !== undefined) return origin === `http://${host}`;
  if (site !== undefined) return site === 'same-origin';
  return byToken;
}
