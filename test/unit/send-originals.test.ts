/** What is said when intake cannot deal with the original of a sent object (ingress/work/originals.ts). */
import { setImmediate as soon } from 'node:timers/promises';
import { expect } from 'chai';
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
});
