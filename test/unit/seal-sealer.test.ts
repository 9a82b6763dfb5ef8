/** The sealer: what it signs the verifier believes, and it signs nothing that was not checked or could not be believed. */
import { expect } from 'chai';
import { Verifier } from '../../egress/verify/verifier.js';
import type { SealEntry, SealRequest } from '../../ingress/seal/messages.js';
import { Sealer } from '../../ingress/seal/sealer.js';
import { SluiceError } from '../../shared/core/errors.js';
import { publicKeyOf } from '../../shared/crypto/publicKey.js';
import { envelopeMaxBytes } from '../../shared/wire/envelopeObject.js';
import type { FilterVerdict, Outcome } from '../../shared/wire/verdict.js';
import {
  HEARTBEAT_SAMPLE,
  HELLO,
  heartbeatOf,
  hex,
  manifestsOf,
  NUMBERS,
  ORDINARY_SAMPLE,
  PAYLOAD,
  SEED,
  sha256,
  signingKey,
} from '../support/wire-samples.js';

const REQUIRED = { alpha: ['type', 'archive'] };
const sealer = new Sealer(signingKey(SEED), REQUIRED);
const rules = { name: 'alpha', labels: ['unclassified'], requiredFilters: REQUIRED.alpha };
const verifier = new Verifier(
  [publicKeyOf(signingKey(SEED))],
  [{ ...rules, names: 'portable' as const, maxObjectBytes: 1e6, types: ['*/*'] }],
);

const filter = (name: string, digest: string): FilterVerdict => ({
  name,
  version: '1',
  configDigest: sha256(new TextEncoder().encode(name)),
  verdict: 'pass',
  digest,
});

/** Two objects, each with a complete verdict. */
function request(change: (entries: SealEntry[], request: SealRequest) => void = () => {}): SealRequest {
  const { history, coding, manifests, sealedMs } = manifestsOf(ORDINARY_SAMPLE);
  const entries = manifests.map(({ verdicts: _, ...manifest }): SealEntry => {
    const filters = REQUIRED.alpha.map((name) => filter(name, manifest.sha256));
    return { manifest, verdict: { type: manifest.type, verdict: 'pass', filters, findings: [], ms: 3 } };
  });
  const made = { history, coding, entries, sealedMs };
  change(entries, made);
  return made;
}

function refusal(change: (entries: SealEntry[], request: SealRequest) => void, by = sealer): string {
  try {
    by.seal(request(change));
  } catch (error) {
    expect(error).instanceOf(SluiceError);
    return (error as SluiceError).code;
  }
  return expect.fail('it was sealed');
}

describe('sealer', () => {
  it('seals what has passed, the verifier believes it, and the id is made of the bytes', () => {
    const { object, bytes } = sealer.seal(request());
    expect(object).equal(sha256(bytes).slice(0, 16));
    const answer = verifier.manifests(bytes);
    if (!answer.ok) return expect.fail(answer.detail);
    expect(answer.value.objects.map(({ sha256: digest, reject }) => [digest, reject])).deep.equal([
      [sha256(HELLO), undefined],
      [sha256(NUMBERS), undefined],
    ]);
    expect(hex(sealer.seal(request()).bytes), 'the same again').equal(hex(bytes));
  });

  it('holds to what is required at the moment', () => {
    const changing = new Sealer(signingKey(SEED), REQUIRED);
    changing.seal(request());
    changing.require({ alpha: ['type', 'archive', 'virus'] });
    expect(refusal(() => {}, changing)).equal('SEAL_VERDICT_INCOMPLETE');
    changing.require({});
    expect(refusal(() => {}, changing)).equal('SEAL_VERDICT_INCOMPLETE');
  });

  it('seals members of a consignment as such, and none that it does not hold', () => {
    const consignment = {
      id: 'c0'.repeat(16),
      firstSequence: 8,
      objects: 2,
      sizeBytes: PAYLOAD.length,
      root: new TextEncoder().encode('letters'),
    };
    const consigned = (second: string) =>
      request(([, { manifest }], made) => {
        manifest.path = new TextEncoder().encode(second);
        made.consignment = consignment;
      });
    const answer = verifier.manifests(sealer.seal(consigned('letters/größe.bin')).bytes);
    if (!answer.ok) return expect.fail(answer.detail);
    expect(answer.value.consignment).include({ id: consignment.id, objects: 2, root: 'letters' });
    expect(() => sealer.seal(consigned('elsewhere/größe.bin')))
      .to.throw(SluiceError)
      .with.property('code', 'MANIFEST_INVALID');
  });

  it('seals heartbeats', () => {
    const { bytes } = sealer.heartbeat(heartbeatOf(HEARTBEAT_SAMPLE));
    expect(verifier.heartbeat(bytes)).deep.equal({ ok: true, value: heartbeatOf(HEARTBEAT_SAMPLE) });
  });

  const REFUSED: [string, (entries: SealEntry[]) => void][] = [
    ['no filter ran', ([, entry]) => (entry.verdict.filters = [])],
    ['a required filter did not run', ([, entry]) => entry.verdict.filters.pop()],
    ['a required filter refused', ([, entry]) => (entry.verdict.filters[0].verdict = 'refuse')],
    ['a required filter could not run', ([, entry]) => (entry.verdict.filters[1].verdict = 'hold')],
    ['a filter says something else', ([, entry]) => (entry.verdict.filters[0].verdict = 'passed' as Outcome)],
    ['the whole verdict is hold', ([, entry]) => (entry.verdict.verdict = 'hold')],
    ['a filter saw other bytes', ([, entry]) => (entry.verdict.filters[0].digest = sha256(PAYLOAD))],
    ['the verdicts are those of another object', ([one, entry]) => (entry.verdict = one.verdict)],
    ['the manifest names another digest', ([, entry]) => (entry.manifest.sha256 = sha256(PAYLOAD))],
    ['the manifest names another type than was found', ([, entry]) => (entry.manifest.type = 'text/plain')],
    [
      'a further filter refused',
      ([, { verdict, manifest }]) => verdict.filters.push({ ...filter('av', manifest.sha256), verdict: 'refuse' }),
    ],
    ['a filter is named twice', ([, { verdict }]) => verdict.filters.push(verdict.filters[0])],
    ['the tenant is unknown', ([, entry]) => (entry.manifest.tenant = 'beta')],
    ['the tenant is called __proto__', ([, entry]) => (entry.manifest.tenant = '__proto__')],
    ['the tenant is called constructor', ([, entry]) => (entry.manifest.tenant = 'constructor')],
  ];
  for (const [what, change] of REFUSED) {
    it(`seals nothing of a bundle when of one object ${what}`, () => {
      expect(refusal(change)).equal('SEAL_VERDICT_INCOMPLETE');
    });
  }

  it('seals nothing for a tenant whose policy requires no filter', () => {
    const lax = new Sealer(signingKey(SEED), { alpha: [] });
    expect(refusal(() => {}, lax)).equal('SEAL_VERDICT_INCOMPLETE');
  });

  const IMPOSSIBLE: [string, (entries: SealEntry[], request: SealRequest) => void][] = [
    ['a control character in a label', ([entry]) => (entry.manifest.label = 'a\nb')],
    ['a label of 257 bytes', ([entry]) => (entry.manifest.label = 'a'.repeat(257))],
    ['an empty path', ([entry]) => (entry.manifest.path = new Uint8Array(0))],
    ['a path beyond the limit', ([entry]) => (entry.manifest.path = new Uint8Array(4097).fill(97))],
    ['a gap between objects', ([, entry]) => (entry.manifest.offset = 19)],
    ['a sequence number twice', ([one, two]) => (two.manifest.sequence = one.manifest.sequence)],
    ['a negative size', ([entry]) => (entry.manifest.sizeBytes = -18)],
    ['a transfer id twice', ([one, two]) => (two.manifest.transfer = one.manifest.transfer)],
    ['a length that the objects do not fill', (_, { coding }) => (coding.lengthBytes = 1200)],
    ['a symbol size no link has', (_, { coding }) => (coding.symbolBytes = 1000)],
    ['no object at all', (entries) => entries.splice(0)],
  ];
  for (const [what, change] of IMPOSSIBLE) {
    it(`does not sign what the high side would have to refuse: ${what}`, () => {
      expect(refusal(change)).equal('MANIFEST_INVALID');
    });
  }

  it('does not sign a heartbeat that the high side would have to refuse', () => {
    const bad = { ...heartbeatOf(HEARTBEAT_SAMPLE), sequenceDone: 10 };
    expect(() => sealer.heartbeat(bad))
      .throw()
      .property('code', 'MANIFEST_INVALID');
  });

  it('FAULTS 14: does not sign an envelope that no link of this symbol size carries', () => {
    const most = envelopeMaxBytes(512);
    const many = (count: number, pathBytes: number) => {
      const { history, coding, sealedMs, entries } = request();
      const [{ manifest, verdict }] = entries;
      const empty = sha256(new Uint8Array(0));
      const filters = REQUIRED.alpha.map((name) => filter(name, empty));
      return {
        history,
        sealedMs,
        coding: { ...coding, lengthBytes: 0, blockDigests: new Uint8Array(0) },
        entries: Array.from({ length: count }, (_, i) => ({
          manifest: {
            ...manifest,
            transfer: i.toString(16).padStart(32, '0'),
            sequence: i + 1,
            sizeBytes: 0,
            sha256: empty,
            path: new Uint8Array(pathBytes).fill(97),
          },
          verdict: { ...verdict, filters },
        })),
      };
    };
    expect(sealer.seal(many(400, 4096)).bytes.length).within(0.75 * most, most);
    expect(() => sealer.seal(many(600, 4096)))
      .throw()
      .property('code', 'ENVELOPE_TOO_LARGE');
    const parameters = { ...heartbeatOf(HEARTBEAT_SAMPLE).parameters, symbolBytes: 192 };
    expect(() => sealer.heartbeat({ ...heartbeatOf(HEARTBEAT_SAMPLE), parameters }))
      .throw()
      .property('code', 'ENVELOPE_TOO_LARGE');
  });
});
