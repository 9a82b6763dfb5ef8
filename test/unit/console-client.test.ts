/** How a console asks its supervisor: no question twice at once, the last answer while one is late, and bounds. */
import { expect } from 'chai';
import { codeOf } from '../../shared/core/errors.js';
import { LIMITS } from '../../shared/core/limits.js';
import { SupervisorClient } from '../../shared/ops/console/client.js';

describe('console: questions to the supervisor', () => {
  const counts = { kind: 'counts' } as const;
  let sent: number[];
  let client: SupervisorClient;

  beforeEach(() => {
    sent = [];
    client = new SupervisorClient(
      { question: ({ id }) => sent.push(id), act: ({ id }) => sent.push(id) },
      { answerMs: 60, patienceMs: 15 },
    );
  });
  const answer = (id: number, value: unknown) => client.answered({ id, reply: { value } });

  it('asks once for many who want to know the same', async () => {
    const both = [client.ask('scan', counts), client.ask('scan', counts)];
    const other = client.ask('send', counts);
    expect(sent).to.have.length(2);
    answer(sent[0]!, 'one');
    answer(sent[1]!, 'two');
    expect(await Promise.all([...both, other])).to.deep.equal(['one', 'one', 'two']);
  });

  it('shows the last answer while a new one is late, the new one as soon as it is there, none from before an act', async () => {
    const first = client.ask('scan', counts);
    answer(sent.pop()!, 'old');
    expect(await first).to.equal('old');
    expect(await client.ask('scan', counts), 'late').to.equal('old');
    expect(await client.ask('scan', counts), 'still').to.equal('old');
    expect(sent, 'asked once').to.have.length(1);
    answer(sent.pop()!, 'new');
    await new Promise((resolve) => setImmediate(resolve));
    const third = client.ask('scan', counts);
    answer(sent.pop()!, 'newer');
    expect(await third).to.equal('newer');
    const act = client.perform({ kind: 'retry', argument: 'scan', who: '', why: '' });
    answer(sent.pop()!, 'yes: done.');
    expect(await act).to.equal('yes: done.');
    const fourth = client.ask('scan', counts);
    expect(await Promise.race([fourth, new Promise((resolve) => setTimeout(() => resolve('waits'), 30))])).to.equal(
      'waits',
    );
    answer(sent.pop()!, 'after the act');
    expect(await fourth).to.equal('after the act');
  });

  it('gives up in time, passes on what went wrong, and takes no more than so many questions', async () => {
    const failure = async (promise: Promise<unknown>) => promise.then(() => 'none', codeOf);
    expect(await failure(client.ask('scan', counts))).to.equal('CONSOLE_UNAVAILABLE');
    const asked = client.ask('scan', counts);
    client.answered({ id: sent.at(-1)!, reply: { code: 'QUEUE_STORE_UNAVAILABLE', detail: '' } });
    expect(await failure(asked)).to.equal('QUEUE_STORE_UNAVAILABLE');
    const many = Array.from({ length: LIMITS.consoleMaxQuestions + 1 }, (_, i) =>
      failure(client.ask('scan', { kind: 'job', job: String(i) })),
    );
    const before = sent.length;
    expect(before - 2).to.equal(LIMITS.consoleMaxQuestions);
    expect(await Promise.race(many)).to.equal('CONSOLE_UNAVAILABLE');
    await Promise.all(many);
  });
});
