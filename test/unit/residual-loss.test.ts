/**
 * The residual loss that `sluice plan` computes: the frames it reckons with are those the sender makes, in their
 * order, and what it says of them is what happens to them on the simulated link.
 */
import { expect } from 'chai';
import { Prng } from '../../shared/core/prng.js';
import { moreThanLost } from '../../shared/link/arrival.js';
import { BurstyLink, burstyResidual } from '../../shared/link/burstyLoss.js';
import { Impairments } from '../../shared/link/impairments.js';
import { GilbertElliott } from '../../shared/link/lossModels.js';
import { TransferLoss } from '../../shared/link/residualLoss.js';
import { ENVELOPE, envelopeEstimateBytes, type SendRules, SentTransfer } from '../../shared/link/sentTransfer.js';
import { FrameKind } from '../../shared/wire/frame.js';
import { removeFolders } from '../support/folders.js';
import { headerOf, LINK, LowHalf, newParcel } from '../support/halves.js';

const T = LINK.symbolBytes;
const GUARD = 40;

const rulesOf = (changed: Partial<SendRules>): SendRules => ({
  symbolBytes: T,
  blockSymbols: 64,
  overheadPpm: 100_000,
  repairFloor: 4,
  interleave: 4,
  idle: false,
  gapDatagrams: 0,
  ...changed,
});

/** What the real sender sends of a payload of so many bytes, the envelope of the size that is reckoned with. */
async function framesOf(lengthBytes: number, rules: SendRules): Promise<Buffer[]> {
  const { symbolBytes, blockSymbols, overheadPpm, interleave, repairFloor, idle } = rules;
  const parameters = { ...LINK, symbolBytes, blockSymbols, overheadPpm, interleave };
  const { blocks } = new SentTransfer(lengthBytes, rules).partition;
  const parcel = await newParcel(9, lengthBytes, { parameters, envelopeBytes: envelopeEstimateBytes(blocks) });
  const low = new LowHalf({ parameters, repairFloor, guardSymbols: idle ? rules.gapDatagrams : 0 });
  const first = [...low.envelope(parcel), ...low.payload(parcel).frames];
  return [...first, ...low.closing(parcel, 1_000, idle).frames];
}

/** Block of each frame; undefined for padding. */
const blocksOf = (frames: Buffer[]): (number | undefined)[] =>
  frames.map((frame) => {
    const { kind, sbn } = headerOf(frame);
    if (kind === FrameKind.envelope) return ENVELOPE;
    return kind === FrameKind.payload ? sbn : undefined;
  });

/** One sending after the other over a simulated link of its own; how many could not be put together. */
function lostOf(frames: Buffer[], rules: SendRules, lengthBytes: number, trials: number, link: object): number {
  const { partition, envelopeK } = new SentTransfer(lengthBytes, rules);
  const headers = new Map(frames.map((frame) => [frame, headerOf(frame)]));
  let failed = 0;
  for (let seed = 1; seed <= trials; seed++) {
    const payload = new Array<number>(partition.blocks).fill(0);
    let envelope = 0;
    const impairments = new Impairments({ seed: seed * 7_919, ...link }, (datagram) => {
      const { kind, sbn } = headers.get(datagram as Buffer)!;
      if (kind === FrameKind.envelope) envelope++;
      else if (kind === FrameKind.payload) payload[sbn] = payload[sbn]! + 1;
    });
    for (const frame of frames) impairments.push(frame, 0);
    impairments.flush();
    if (envelope < envelopeK || payload.some((have, sbn) => have < partition.k(sbn))) failed++;
  }
  return failed;
}

/** Fails unless `count` of `trials` is what a probability makes: four standard deviations. */
function expectCount(count: number, trials: number, probability: number): void {
  const expected = trials * probability;
  expect(count, `expected ${expected}`).to.be.closeTo(expected, 4 * Math.sqrt(expected * (1 - probability)));
}

/** Name -> bytes and rules: several groups, one of both sizes of a block, a short last one; small ones, idle and busy. */
const SHAPES: Record<string, { lengthBytes: number; rules: SendRules }> = {
  'eleven blocks in three groups': { lengthBytes: 700 * T, rules: rulesOf({}) },
  'large and small blocks with different repair in one group': {
    lengthBytes: 605 * T,
    rules: rulesOf({ blockSymbols: 21, repairFloor: 0, interleave: 5 }),
  },
  'a small payload on an idle link': { lengthBytes: 130 * T, rules: rulesOf({ idle: true, gapDatagrams: GUARD }) },
  'a small payload of several groups, busy': { lengthBytes: 500 * T, rules: rulesOf({ interleave: 3 }) },
  'one symbol': { lengthBytes: 1, rules: rulesOf({}) },
  nothing: { lengthBytes: 0, rules: rulesOf({}) },
};

describe('residual loss', () => {
  afterEach(removeFolders);

  for (const [name, { lengthBytes, rules }] of Object.entries(SHAPES)) {
    it(`reckons with the frames that the sender makes, in their order: ${name}`, async () => {
      const blocks = blocksOf(await framesOf(lengthBytes, rules));
      const transfer = new SentTransfer(lengthBytes, rules);
      expect(transfer.places).to.equal(blocks.length);
      expect(transfer.frames).to.equal(blocks.filter((block) => block !== undefined).length);
      for (const burst of [1, 7, 50, 333]) {
        for (let from = 0; from < blocks.length; from += 1 + Math.floor(burst / 5)) {
          const hits = new Map<number, number>();
          for (const block of blocks.slice(from, from + burst)) {
            if (block !== undefined) hits.set(block, (hits.get(block) ?? 0) + 1);
          }
          const reckoned = new Map<number, number>();
          transfer.eachHit(from, from + burst, (first, count, frames) => {
            for (let block = first; block < first + count; block++) reckoned.set(block, frames);
          });
          expect([...reckoned].sort(), `burst of ${burst} at ${from}`).to.deep.equal([...hits].sort());
        }
      }
      const sent = (wanted: number) => blocks.filter((block) => block === wanted).length;
      expect(transfer.sentOfEnvelope()).to.equal(sent(ENVELOPE));
      for (let sbn = 0; sbn < transfer.partition.blocks; sbn++) {
        expect(transfer.sentOfBlock(transfer.partition.k(sbn))).to.equal(sent(sbn));
      }
    });

    it(`places that are looked at once are alike: ${name}`, () => {
      const transfer = new SentTransfer(lengthBytes, rules);
      for (const burstDatagrams of [1, 13, 60, 400]) {
        const loss = new TransferLoss(transfer, { loss: 0.01, burstDatagrams });
        const sum = { all: 0, envelope: 0, blocks: 0, worst: 0, places: 0 };
        for (let place = 0; place < transfer.places; place++) {
          if (place >= transfer.payloadEnd && place < transfer.closingAt) continue;
          const { all, envelope, blocks } = loss.at(place);
          sum.all += all;
          sum.envelope += envelope;
          sum.blocks += blocks;
          sum.worst = Math.max(sum.worst, all);
          sum.places++;
        }
        const { probability, worst, envelope, blocks } = loss.residual();
        expect(sum.places).to.equal(transfer.frames);
        expect(probability).to.be.closeTo(sum.all / sum.places, 1e-9 * probability);
        expect(envelope).to.be.closeTo(sum.envelope / sum.places, 1e-9 * envelope);
        expect(blocks).to.be.closeTo(sum.blocks / sum.places, 1e-9 * blocks);
        expect(worst).to.equal(sum.worst);
      }
    });
  }

  it('FAULTS 13: independent loss does to real frames what is computed', async () => {
    for (const [loss, overheadPpm] of [
      [0.05, 100_000],
      [0.12, 200_000],
    ] as const) {
      const rules = rulesOf({ overheadPpm });
      const lengthBytes = 700 * T;
      const frames = await framesOf(lengthBytes, rules);
      const { probability } = new TransferLoss(new SentTransfer(lengthBytes, rules), {
        loss,
        burstDatagrams: 0,
      }).residual();
      expect(probability).to.be.within(0.01, 0.6);
      expectCount(lostOf(frames, rules, lengthBytes, 1_500, { loss }), 1_500, probability);
    }
  });

  it('FAULTS 14: a burst at a seeded place, and loss besides, do to real frames what is computed', async () => {
    for (const { rules, lengthBytes, burst, loss } of [
      { rules: rulesOf({ overheadPpm: 200_000 }), lengthBytes: 700 * T, burst: 34, loss: 0.02 },
      { rules: rulesOf({ overheadPpm: 200_000, interleave: 1 }), lengthBytes: 700 * T, burst: 9, loss: 0.04 },
      { rules: rulesOf({ idle: true, gapDatagrams: GUARD }), lengthBytes: 130 * T, burst: 110, loss: 0.2 },
    ]) {
      const frames = await framesOf(lengthBytes, rules);
      const transfer = new SentTransfer(lengthBytes, rules);
      const { symbols } = transfer.partition;
      const exact = new TransferLoss(transfer, { loss, burstDatagrams: burst });
      // The simulated burst begins at one of as many payload frames as there are source symbols.
      let sum = 0;
      for (let n = 0; n < symbols; n++) sum += exact.at(transfer.payloadAt + n).all;
      const probability = sum / symbols;
      expect(probability, JSON.stringify(rules)).to.be.within(0.005, 0.7);
      expectCount(lostOf(frames, rules, lengthBytes, 1_500, { loss, burst }), 1_500, probability);
    }
  });

  for (const [name, { lengthBytes, rules }] of Object.entries(SHAPES)) {
    it(`knows the places of the frames of each block, and which blocks lie alike: ${name}`, async () => {
      const blocks = blocksOf(await framesOf(lengthBytes, rules));
      const transfer = new SentTransfer(lengthBytes, rules);
      const placesOf = (wanted: number) => blocks.flatMap((block, place) => (block === wanted ? [place] : []));
      expect(transfer.envelopePlaces()).to.deep.equal(placesOf(ENVELOPE));
      const gaps = (places: number[]) => places.slice(1).map((place, i) => place - places[i]!);
      let next = 0;
      for (const { block, count } of transfer.blocksAlike()) {
        expect(block).to.equal(next);
        for (let like = block; like < block + count; like++) {
          expect(transfer.placesOf(like)).to.deep.equal(placesOf(like));
          expect(gaps(placesOf(like))).to.deep.equal(gaps(placesOf(block)));
        }
        next += count;
      }
      expect(next).to.equal(transfer.partition.blocks);
    });
  }

  it('FAULTS 14: bursts that come and go do to real frames what is computed', async () => {
    const loss = 0.02;
    const bursts = { rate: 0.004, meanDatagrams: 12 };
    const rules = rulesOf({ overheadPpm: 200_000 });
    const lengthBytes = 700 * T;
    const transfer = new SentTransfer(lengthBytes, rules);
    const { partition, envelopeK } = transfer;
    const frames = await framesOf(lengthBytes, rules);
    const headers = frames.map((frame) => ({ ...headerOf(frame) }));
    const link = new BurstyLink(loss, bursts);
    let expected = link.moreThanLost(transfer.envelopePlaces(), transfer.sentOfEnvelope() - envelopeK);
    for (let block = 0; block < partition.blocks; block++) {
      const places = transfer.placesOf(block);
      expected += link.moreThanLost(places, places.length - partition.k(block));
    }
    const { probability, blocks, envelope } = burstyResidual(transfer, loss, bursts);
    expect(blocks + envelope).to.be.closeTo(expected, 1e-9);
    // One sending after the other over one link that has run for a while. Blocks suffer together, so how many are lost
    // is counted, whose mean is the sum, and how far it scatters is taken from batches.
    const batches: number[] = [];
    let failedTransfers = 0;
    const [BATCHES, SENDINGS] = [60, 40];
    const gilbert = new GilbertElliott(77, bursts.rate, bursts.meanDatagrams);
    const prng = new Prng(78);
    for (let warm = 0; warm < 1_000; warm++) gilbert.loses();
    for (let batch = 0; batch < BATCHES; batch++) {
      let failed = 0;
      for (let sending = 0; sending < SENDINGS; sending++) {
        const have = new Array<number>(partition.blocks).fill(0);
        let envelopeHas = 0;
        for (const { kind, sbn } of headers) {
          const isLost = [gilbert.loses(), prng.unit() < loss].includes(true);
          if (isLost) continue;
          if (kind === FrameKind.envelope) envelopeHas++;
          else have[sbn] = have[sbn]! + 1;
        }
        const lost =
          have.filter((symbols, sbn) => symbols < partition.k(sbn)).length + (envelopeHas < envelopeK ? 1 : 0);
        failed += lost;
        if (lost > 0) failedTransfers++;
      }
      batches.push(failed / SENDINGS);
    }
    const mean = batches.reduce((a, b) => a + b) / BATCHES;
    const variance = batches.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (BATCHES - 1);
    expect(expected).to.be.within(0.02, 2);
    expect(mean).to.be.closeTo(expected, 4 * Math.sqrt(variance / BATCHES));
    expect(4 * Math.sqrt(variance / BATCHES), 'the bound is worth something').to.be.below(expected / 3);
    expect(failedTransfers / (BATCHES * SENDINGS), 'no more than the sum').to.be.at.most(probability * 1.1);
  });

  it('bursts of one datagram, each as likely as the next, are independent loss', () => {
    // Ends after one, begins again with the same probability: no memory.
    const link = new BurstyLink(0, { rate: 0.03, meanDatagrams: 1 });
    const places = Array.from({ length: 500 }, (_, i) => 4 * i);
    for (const most of [5, 15, 30, 60]) {
      expect(link.moreThanLost(places, most) / moreThanLost(500, most, 0.03)).to.be.closeTo(1, 1e-8);
    }
    expect(new BurstyLink(0.5, { rate: 0.1, meanDatagrams: 9 }).meanLoss).to.be.closeTo(0.5 + 0.5 * 0.5, 1e-12);
  });

  it('the upper tail keeps its digits where one minus the lower one has none', () => {
    expect(moreThanLost(10, 3, 0.2)).to.be.closeTo(1 - 0.879_126_118_4, 1e-12);
    // All of 20: 0.01 ^ 20.
    expect(moreThanLost(20, 19, 0.01) / 1e-40).to.be.closeTo(1, 1e-12);
    // 1 or 2 of 2, and 9 or 10 of 10.
    expect(moreThanLost(2, 0, 1e-9)).to.be.closeTo(2e-9, 1e-17);
    expect(moreThanLost(10, 8, 0.001) / (10 * 0.001 ** 9 * 0.999 + 0.001 ** 10)).to.be.closeTo(1, 1e-12);
    expect(moreThanLost(5_000, 100, 0.5)).to.equal(1);
    expect([moreThanLost(5, -1, 0), moreThanLost(5, 2, 0), moreThanLost(5, 2, 1)]).to.deep.equal([1, 0, 1]);
    for (const [n, m, p] of [
      [4_506, 60, 0.01],
      [800, 70, 0.1],
      [64, 7, 0.1],
    ] as const) {
      expect(moreThanLost(n, m, p)).to.be.closeTo(
        1 - [...binomial(n, p)].slice(0, m + 1).reduce((a, b) => a + b),
        1e-11,
      );
    }
  });
});

/** The whole distribution, by adding one datagram after the other: another way to the same numbers. */
function binomial(n: number, p: number): Float64Array {
  const chance = new Float64Array(n + 1);
  chance[0] = 1;
  for (let sent = 1; sent <= n; sent++) {
    for (let lost = sent; lost >= 1; lost--) chance[lost] = chance[lost]! * (1 - p) + chance[lost - 1]! * p;
    chance[0] = chance[0]! * (1 - p);
  }
  return chance;
}
