/** Payloads of a tenant in the send stage (ingress/work/sendLines.ts), with a stage that is a list. */
import { setImmediate } from 'node:timers/promises';
import { expect } from 'chai';
import { SendLines } from '../../ingress/work/sendLines.js';
import { codeOf, SluiceError } from '../../shared/core/errors.js';

describe('lines in front of the send stage', () => {
  let stage: string[];
  let troubles: string[];
  let away: boolean;
  let lines: SendLines;

  beforeEach(() => {
    stage = [];
    troubles = [];
    away = false;
    const add = async (payload: string) => {
      if (away) throw new SluiceError('QUEUE_STORE_UNAVAILABLE', 'Made by a test.');
      stage.push(payload);
    };
    lines = new SendLines(2, add, (error) => troubles.push(codeOf(error)));
  });

  it('FAULTS 60: a tenant has few payloads in the stage, whatever it has waiting, and others find a place', async () => {
    for (let n = 0; n < 1_000; n++) await lines.put('flood', `f${n}`);
    await lines.put('town', 'letter');
    expect(stage.splice(0)).to.deep.equal(['f0', 'f1', 'letter']);
    for (let n = 0; n < 998; n++) lines.left('flood', `f${n}`);
    await setImmediate();
    expect(stage).to.deep.equal(Array.from({ length: 998 }, (_, n) => `f${n + 2}`));
  });

  it('FAULTS 54: said again, what stands in the stage is put there again and what waits is not doubled', async () => {
    for (let again = 0; again < 2; again++) for (const payload of ['a', 'b', 'c']) await lines.put('town', payload);
    expect(stage.splice(0)).to.deep.equal(['a', 'b', 'a', 'b']);
    lines.left('town', 'a');
    lines.left('town', 'a');
    lines.left('town', 'never seen');
    await setImmediate();
    expect(stage).to.deep.equal(['c']);
  });

  it('while the store is away nothing is forgotten', async () => {
    away = true;
    expect(await lines.put('town', 'a').catch(codeOf)).to.equal('QUEUE_STORE_UNAVAILABLE');
    away = false;
    for (const payload of ['b', 'c', 'd']) await lines.put('town', payload);
    away = true;
    lines.left('town', 'b');
    await setImmediate();
    expect(troubles).to.deep.equal(['QUEUE_STORE_UNAVAILABLE']);
    away = false;
    for (const payload of ['c', 'd', 'a']) await lines.put('town', payload);
    expect(stage).to.deep.equal(['b', 'c', 'c', 'd']);
    lines.left('town', 'c');
    await setImmediate();
    expect(stage.at(-1)).to.equal('a');
  });
});
