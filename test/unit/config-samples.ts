/** What the tests of the configuration share: the shortest valid configurations, and a way to look at refusals. */
import { expect } from 'chai';
import { type ErrorCode, SluiceError } from '../../shared/core/errors.js';
import { parseHighConfig, parseLowConfig } from '../../shared/ops/config/load.js';

export type Section = Record<string, unknown>;
/** The shortest configuration of a low side. */
export const low = (): Section => ({
  tenants: [{ name: 'town-hall', share: 'in/town-hall' }],
  keys: { signing: 'keys/signing.key', link: 'keys/link.key' },
  link: { target: '127.0.0.1:5000' },
});
/** The shortest configuration of a high side. */
export const high = (): Section => ({
  tenants: [{ name: 'town-hall', storage: 'out/town-hall' }],
  keys: { trusted: 'trusted', link: 'keys/link.key' },
  link: { listen: '127.0.0.1:0' },
});

/** The lines of the error a call ends with. */
export function problems(call: () => unknown, code: ErrorCode = 'CONFIG_INVALID'): string[] {
  try {
    call();
  } catch (error) {
    expect(error).instanceOf(SluiceError);
    expect((error as SluiceError).code).equal(code);
    return (error as SluiceError).detail.split('\n');
  }
  throw new Error(`expected ${code}, but nothing was thrown`);
}
export const lowProblems = (value: unknown, stateDir?: string) =>
  problems(() => parseLowConfig(value, 'low.yaml', '/etc/sluice', { stateDir }));
export const highProblems = (value: unknown, stateDir?: string) =>
  problems(() => parseHighConfig(value, 'high.yaml', '/etc/sluice', { stateDir }));

/** The configuration with one more value at a path such as "link.mtu". */
export function withValue(base: Record<string, unknown>, path: string, value: unknown): Record<string, unknown> {
  const steps = path.split('.');
  let section = base;
  for (const step of steps.slice(0, -1)) {
    section[step] ??= {};
    section = section[step] as Record<string, unknown>;
  }
  section[steps.at(-1)!] = value;
  return base;
}
