/** `sluice plan`: the least that reaches the target, what else could be had, and a refusal that says what could be. */
import { expect } from 'chai';
import { parse } from 'yaml';
import { SluiceError } from '../../shared/core/errors.js';
import { planLink, type Question, residualLoss } from '../../shared/link/plan.js';
import { everySizeOf, questionOf, smallerOf } from '../../shared/ops/cli/plan.js';
import { planLines } from '../../shared/ops/cli/planWords.js';
import { lowSchema } from '../../shared/ops/config/schema.js';

const MiB = 1024 ** 2;
const asked = { rate: 1e9, loss: 0.01, burst: 60, target: 1e-6, mtu: 1_500, size: 64 * MiB };
type Asked = typeof asked & { burstMean?: number; burstRate?: number };
const questionWith = (changed: Partial<Asked>): Question => questionOf({ ...asked, ...changed });

describe('plan', () => {
  it('every choice reaches the target, and with the next smaller overhead does not', () => {
    const question = questionWith({});
    const { choices, recommended, reachable } = planLink(question);
    expect(reachable).to.equal(true);
    expect(choices).to.include(recommended);
    expect(choices.length).to.be.above(2);
    for (const { overhead, residual, ...coding } of choices) {
      const at = (overheadPpm: number) => residualLoss(question, { ...coding, overheadPpm }).probability;
      expect(at(Math.round(overhead * 1e6))).to.equal(residual.probability);
      expect(residual.probability).to.be.at.most(1e-6);
      expect(at(Math.round(overhead * 1e6) - 1_000), JSON.stringify(coding)).to.be.above(1e-6);
    }
  });

  it('each line of the table gives more goodput for more delay, and the recommended one is near the best', () => {
    const { choices, recommended } = planLink(questionWith({}));
    choices.slice(1).forEach((choice, i) => {
      expect(choice.blockMs).to.be.above(choices[i]!.blockMs);
      expect(choice.goodputBps).to.be.above(choices[i]!.goodputBps);
    });
    expect(recommended!.goodputBps).to.be.at.least(choices.at(-1)!.goodputBps * 0.99);
  });

  it('what harder losses cost is goodput; without any nothing is added', () => {
    const goodput = (changed: Partial<typeof asked>) => planLink(questionWith(changed)).choices.at(-1)!.goodputBps;
    expect(goodput({ loss: 0.05 })).to.be.below(goodput({}));
    expect(goodput({ burst: 400 })).to.be.below(goodput({}));
    expect(goodput({ target: 1e-12 })).to.be.below(goodput({}));
    expect(planLink(questionWith({ loss: 0, burst: 0 })).recommended!.overhead).to.equal(0);
  });

  it('goodput is what is left of the rate beside headers, envelope and repair', () => {
    const { goodputBps, transferMs, overhead } = planLink(questionWith({ loss: 0, burst: 0, mtu: 1_500 })).recommended!;
    expect(overhead).to.equal(0);
    // 1408 of 1500 bytes, but for 16 repair symbols of each block and the envelope.
    expect(goodputBps / 1e9).to.be.within((1_408 / 1_500) * 0.96, 1_408 / 1_500);
    expect((asked.size * 8) / (transferMs / 1_000)).to.be.closeTo(goodputBps, 1);
  });

  it('refuses what nothing reaches and says what could be had, which then is reached', () => {
    // Whatever the overhead, a burst over one of its passes leaves an envelope of nine frames, any five of which are needed.
    const changed = { loss: 0.3, burst: 300, target: 1e-12 };
    const plan = planLink(questionWith(changed));
    expect(plan.reachable).to.equal(false);
    expect(plan.target).to.be.above(1e-12);
    expect(plan.least!.probability).to.be.within(plan.target / 10, plan.target);
    expect(plan.recommended!.residual.probability).to.be.at.most(plan.target);
    expect(planLink(questionWith({ ...changed, target: plan.target })).reachable).to.equal(true);
    expect(planLink(questionWith({ ...changed, target: plan.target / 11 })).reachable).to.equal(false);
    const words = planLines({ ...asked, ...changed }, questionWith(changed), plan, []).join('\n');
    expect(words)
      .to.include('No coding reaches 1e-12: the envelope')
      .and.to.include(`What can be had is ${plan.target.toExponential()}`);
  });

  it('a link that nothing helps gets no recommendation', () => {
    const plan = planLink(questionWith({ loss: 0.95 }));
    expect(plan.least!.probability).to.be.closeTo(1, 1e-6);
    expect(plan.recommended?.residual.probability ?? 1).to.be.closeTo(1, 1e-6);
  });

  it('FAULTS 14: smaller transfers are looked at too; the floor that is named is the least that does', () => {
    const question = questionWith({});
    const plan = planLink(question);
    const smaller = smallerOf(question, plan);
    expect(smaller.map(({ sizeBytes }) => sizeBytes)).to.include(1_408 * plan.recommended!.blockSymbols);
    const { blockSymbols, interleave, overhead } = plan.recommended!;
    const coding = { blockSymbols, interleave, overheadPpm: Math.round(overhead * 1e6) };
    const missed = smaller.filter((one) => one.residualLoss > question.target);
    expect(missed.length).to.be.above(0);
    for (const { sizeBytes, repairFloor } of missed) {
      const at = (floor: number) => residualLoss({ ...question, sizeBytes, repairFloor: floor }, coding).probability;
      expect(at(repairFloor!)).to.be.at.most(question.target);
      expect(at(repairFloor! - 1)).to.be.above(question.target);
    }
    const everySize = everySizeOf(question, plan, smaller)!;
    expect(everySize.repairFloor).to.equal(Math.max(16, ...smaller.map(({ repairFloor }) => repairFloor!)));
    expect(everySize.goodputBps).to.be.at.most(plan.recommended!.goodputBps);
  });

  it('jumbo frames: blocks are as large as the link allows, no larger', () => {
    const question = questionWith({ mtu: 9_000 });
    expect(question.blockSizes).to.deep.equal([512, 707]);
    // Small blocks have more digests than an envelope holds.
    expect(questionWith({ size: 400 * 1024 * MiB }).blockSizes).to.deep.equal([4_096]);
  });

  it('the keys it prints are keys of the configuration, with values it takes', () => {
    const question = questionWith({});
    const lines = planLines(asked, question, planLink(question), []);
    const from = lines.indexOf('link:');
    const { link } = parse(lines.slice(from, lines.indexOf('', from)).join('\n'));
    const { shape } = lowSchema('/').shape.link;
    for (const key of ['rate', 'mtu', 'overhead', 'blockSymbols', 'interleave']) expect(shape).to.have.property(key);
    const taken = lowSchema('/').shape.link.parse({ target: '127.0.0.1:1', ...link });
    expect(taken).to.include({ rate: 1e9, mtu: 1_500, interleave: link.interleave, overhead: link.overhead });
  });

  it('bursts that come and go: the least overhead that reaches the target, more for more of them', () => {
    const bursts = { burst: 0, burstMean: 20, burstRate: 0.000_2, size: 16 * MiB, target: 1e-3 };
    const question = questionWith(bursts);
    const { choices } = planLink(question);
    expect(choices.length).to.be.above(1);
    for (const { overhead, residual, ...coding } of choices) {
      const at = (overheadPpm: number) => residualLoss(question, { ...coding, overheadPpm }).probability;
      expect(residual.probability).to.be.at.most(1e-3);
      expect(at(Math.round(overhead * 1e6) - 1_000), JSON.stringify(coding)).to.be.above(1e-3);
    }
    const harder = planLink(questionWith({ ...bursts, burstMean: 30 })).choices.at(-1)!;
    expect(harder.goodputBps).to.be.below(choices.at(-1)!.goodputBps);
  });

  for (const [name, changed] of Object.entries({
    'a target of nothing': { target: 0 },
    'a target beyond sense': { target: 1e-30 },
    'a link that loses everything': { loss: 1 },
    'an object that no envelope describes': { size: 1024 ** 5 },
    'a rate of nothing': { rate: 0 },
    'an object of nothing': { size: 0 },
    'half of the bursts': { burst: 0, burstMean: 5 },
    'bursts of two kinds': { burstMean: 5, burstRate: 0.01 },
  })) {
    it(`${name} is not a question`, () => {
      expect(() => questionWith(changed))
        .to.throw(SluiceError)
        .with.property('code', 'USAGE');
    });
  }
});
