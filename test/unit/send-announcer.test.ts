/** When the low side announces its position, and that it keeps quiet once it is stopped. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { LowLedger } from '../../ingress/ledger/ledger.js';
import type { SealerProtocol } from '../../ingress/seal/messages.js';
import type { SenderProtocol } from '../../ingress/send/orders.js';
import { Announcer } from '../../ingress/work/announcer.js';
import { SluiceError } from '../../shared/core/errors.js';
import type { Child } from '../../shared/ops/processes/children.js';
import { LINK, SESSION } from '../support/halves.js';
import { until } from '../support/processes.js';

/** An announcer between a ledger, a sealer and a sender that only say what was asked of them. */
function stage(intervalMs: number) {
  const asked: Record<string, unknown>[] = [];
  const told: unknown[] = [];
  const troubles: unknown[] = [];
  const state = { done: 3, sealerFails: false, sealMs: 0 };
  const ledger = {
    history: 'aa'.repeat(16),
    sequenceDone: () => state.done,
    sequenceLast: () => 9,
    voids: () => [{ first: 2, last: 2 }],
  };
  const sealer = {
    ask: async (_name: string, body: Record<string, unknown>) => {
      asked.push(body);
      await sleep(state.sealMs);
      if (state.sealerFails) throw new SluiceError('CHILD_FAILED', 'made by a test');
      return { object: '', bytes: Uint8Array.of(asked.length) };
    },
  };
  const sender = {
    ask: async () => ({ framesSent: 77 }),
    tell: (_name: string, bytes: unknown) => told.push(bytes),
  };
  const announcer = new Announcer(
    ledger as unknown as LowLedger,
    sealer as unknown as Child<SealerProtocol>,
    sender as unknown as Child<SenderProtocol>,
    intervalMs,
    (error) => troubles.push(error),
  );
  return { announcer, asked, told, troubles, state };
}

describe('send announcer', () => {
  it('announces soon after its start, and once for all transfers that end together', async () => {
    const { announcer, asked, told } = stage(60_000);
    announcer.start(SESSION, LINK);
    announcer.soon();
    announcer.soon();
    await until(() => told.length === 1);
    await sleep(80);
    announcer.stop();
    expect(asked.length).to.equal(1);
    const { timeMs, ...body } = asked[0]!;
    expect(timeMs).to.be.a('number');
    expect(body).to.deep.equal({
      history: 'aa'.repeat(16),
      session: SESSION,
      sequenceDone: 3,
      sequenceLast: 9,
      voids: [{ first: 2, last: 2 }],
      frames: 77,
      parameters: LINK,
    });
  });

  it('announces steadily, with the position of the moment, and of the session that runs now', async () => {
    const { announcer, asked, state } = stage(20);
    announcer.start(SESSION, LINK);
    await until(() => asked.length >= 2);
    state.done = 5;
    announcer.start('1111111122222222', LINK);
    const before = asked.length;
    await until(() => asked.length >= before + 3);
    announcer.stop();
    expect(asked.at(-1)).to.include({ session: '1111111122222222', sequenceDone: 5 });
  });

  it('reports trouble and goes on', async () => {
    const { announcer, told, troubles, state } = stage(10);
    state.sealerFails = true;
    announcer.start(SESSION, LINK);
    await until(() => troubles.length >= 2);
    state.sealerFails = false;
    await until(() => told.length >= 1);
    announcer.stop();
  });

  it('once stopped, says nothing, whatever asks for it or is still on its way', async () => {
    const { announcer, asked, troubles, state } = stage(5);
    state.sealerFails = true;
    state.sealMs = 30;
    announcer.soon();
    announcer.start(SESSION, LINK);
    await until(() => asked.length >= 1);
    announcer.stop();
    announcer.soon();
    const count = asked.length;
    await sleep(100);
    expect([asked.length, troubles.length]).to.deep.equal([count, 0]);
  });
});
