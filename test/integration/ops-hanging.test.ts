/** FAULTS 55: processes that hang, are stopped in their tracks, or die again and again, seen by their supervisor. */
import { expect } from 'chai';
import { codeOf, type SluiceError } from '../../shared/core/errors.js';
import { attendChildren, Child } from '../../shared/ops/processes/children.js';
import { until } from '../support/queues.js';
import type { EchoProtocol } from '../unit/ops-echoChild.js';

const module = new URL('../unit/ops-echoChild.js', import.meta.url);

describe('processes that hang or die again and again', function () {
  this.timeout(30_000);
  let child: Child<EchoProtocol>;
  let heard: string[];

  const start = async (silentMs: number) => {
    child = new Child<EchoProtocol>({ name: 'echo', module, silentMs });
    await child.start();
  };
  beforeEach(() => {
    heard = [];
    attendChildren({
      printed: () => {},
      died: (name, how, again) => heard.push(`${name} died of ${how}${again ? ', again and again' : ''}`),
    });
  });
  afterEach(async () => {
    attendChildren(undefined);
    await child?.stop(0);
  });

  for (const [what, hang] of [
    ['is busy for ever', () => void child.ask('hang', null).catch(() => {})],
    ['is stopped (SIGSTOP)', () => void process.kill(child.pid!, 'SIGSTOP')],
  ] as const) {
    it(`one that ${what} is killed, what it was asked is given back, and another answers`, async () => {
      await start(600);
      const before = child.pid;
      hang();
      const asked = await child.ask('echo', 1, Number.POSITIVE_INFINITY).catch((error) => error as SluiceError);
      expect(codeOf(asked)).to.equal('CHILD_FAILED');
      expect((asked as SluiceError).detail).to.match(/no sign of life for \d s/);
      expect(await child.ask('echo', 2)).to.equal(2);
      expect(child.pid).not.to.equal(before);
      expect(heard).to.have.length(1);
    });
  }

  it('one that is merely slow to answer lives', async () => {
    await start(400);
    const before = child.pid;
    await child.ask('never', null, 1_200).catch(() => {});
    expect(child.pid).to.equal(before);
    expect(heard).to.deep.equal([]);
  });

  it('five ends in a row are a crash loop', async () => {
    await start(60_000);
    for (let ends = 1; ends <= 5; ends++) {
      await child.ask('exit', 3).catch(() => {});
      await until('its end', () => heard.length === ends);
    }
    const once = 'echo died of exit code 3';
    expect(heard).to.deep.equal([once, once, once, once, `${once}, again and again`]);
  });
});
