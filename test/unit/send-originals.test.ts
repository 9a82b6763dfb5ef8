/** What is said when intake cannot deal with the original of a sent object (ingress/work/originals.ts). */
import { setImmediate as soon } from 'node:timers/promises';
import { expect } from 'chai';
import type { Disposed } from '../../ingress/intake/messages.js';
import type { LowLedger, LowObject } from '../../ingress/ledger/ledger.js';
import { Originals } from '../../ingress/work/originals.js';
import { SluiceError } from '../../shared/core/errors.js';
import { Child } from '../../shared/ops/processes/children.js';
import type { EchoProtocol } from './ops-echoChild.js';

describe('originals of sent objects', () => {
  const told = async (error: unknown): Promise<string[]> => {
    const alarms: string[] = [];
    const intake = { ask: () => Promise.reject(error) };
    const tenants = [{ name: 'town', afterSent: 'delete' }];
    const originals = new Originals(
      {} as LowLedger,
      intake as never,
      () => tenants as never,
      (code) => alarms.push(code),
    );
    originals.afterSent([{ tenant: 'town' } as LowObject]);
    await soon();
    return alarms;
  };

  it('a share that does not let us is told; a process that ended is told by whoever starts it again', async () => {
    const child = new Child<EchoProtocol>({ name: 'intake', module: new URL('./ops-echoChild.js', import.meta.url) });
    await child.start();
    const dying = child.ask('never', null).catch((error) => error);
    child.kill();
    const end = await dying;
    await child.stop(0);
    expect(end.code).to.equal('CHILD_FAILED');
    expect(await told(end)).to.deep.equal([]);
    expect(await told(new SluiceError('INTAKE_UNREADABLE', 'EACCES'))).to.deep.equal(['INTAKE_UNREADABLE']);
  });

  it('those of a bundle are asked for together and noted in one transaction; one that fails keeps no other back', async () => {
    const outcomes: Record<string, Disposed> = {
      a: { outcome: 'moved', path: 'd/a' },
      b: { outcome: 'failed', code: 'INTAKE_UNREADABLE', words: 'EACCES' },
      c: { outcome: 'kept', reason: 'other-file-system' },
    };
    const asked: string[][] = [];
    const noted: unknown[][] = [];
    const alarms: string[] = [];
    let transactions = 0;
    const ledger = {
      commits: {
        do: async (work: () => void) => {
          transactions++;
          work();
        },
      },
      setDisposed: (...of: unknown[]) => noted.push(of),
    };
    const intake = {
      ask: async (_: string, { tenant, originals }: { tenant: string; originals: { transfer: string }[] }) => {
        asked.push([tenant, ...originals.map(({ transfer }) => transfer)]);
        return originals.map(({ transfer }) => outcomes[transfer]!);
      },
    };
    const tenants = [
      { name: 'town', afterSent: 'move' },
      { name: 'keeper', afterSent: 'keep' },
    ];
    const originals = new Originals(
      ledger as never,
      intake as never,
      () => tenants as never,
      (code, words) => alarms.push(`${code} ${words}`),
    );
    const sent = (tenant: string, transfer: string) => ({ tenant, transfer }) as LowObject;
    originals.afterSent([sent('town', 'a'), sent('keeper', 'k'), sent('town', 'b'), sent('town', 'c')]);
    await soon();
    expect(asked).to.deep.equal([['town', 'a', 'b', 'c']]);
    expect(transactions).to.equal(1);
    expect(noted).to.deep.equal([
      ['a', false, 'moved', 'd/a'],
      ['c', true, 'stays', ''],
    ]);
    expect(alarms).to.deep.equal(['INTAKE_UNREADABLE EACCES']);
  });
});
