/** The verifier: what it believes, and each of its objections; whatever arrives, it answers and never throws. */
import { expect } from 'chai';
import fc from 'fast-check';
import type { TenantRules } from '../../egress/verify/messages.js';
import { Verifier } from '../../egress/verify/verifier.js';
import { publicKeyOf } from '../../shared/crypto/publicKey.js';
import { signStatement } from '../../shared/crypto/signature.js';
import {
  CONSIGNED_TYPE,
  encodeEnvelope,
  encodeHeartbeat,
  encodeManifests,
  HEARTBEAT_TYPE,
  MANIFESTS_TYPE,
  type Manifest,
  type Manifests,
  type StatementType,
} from '../../shared/wire/statements.js';
import { bytesOfNumber, numberOf, ORDER } from '../support/crypto-edwards.js';
import { bytesOf, delimited } from '../support/wire-bytes.js';
import {
  CONSIGNED_SAMPLE,
  HEARTBEAT_SAMPLE,
  HELLO,
  heartbeatOf,
  KEY_ID,
  manifestsOf,
  ORDINARY_SAMPLE,
  OTHER_SEED,
  PAYLOAD,
  SEED,
  sha256,
  signingKey,
  unhex,
} from '../support/wire-samples.js';

const key = signingKey(SEED);
const other = signingKey(OTHER_SEED);
const RULES: TenantRules = {
  name: 'alpha',
  labels: ['unclassified', 'internal'],
  requiredFilters: ['type'],
  names: 'portable',
  maxObjectBytes: 2000,
  types: ['*/*'],
};
const verifier = new Verifier([publicKeyOf(key)], [RULES]);

const sealed = (type: StatementType, statement: Uint8Array, by = key): Uint8Array =>
  encodeEnvelope({
    statementType: type,
    statement,
    keyId: publicKeyOf(by).keyId,
    signature: signStatement(by, type, statement),
  });
const sealedManifests = (value: Manifests): Uint8Array => sealed(MANIFESTS_TYPE, encodeManifests(value));
const sample = (): Manifests => manifestsOf(ORDINARY_SAMPLE);
const heartbeat = sealed(HEARTBEAT_TYPE, encodeHeartbeat(heartbeatOf(HEARTBEAT_SAMPLE)));

/** One object that fills one block. */
function single(change: Partial<Manifest> = {}, content: Uint8Array = HELLO): Manifests {
  const { manifests, coding, ...same } = sample();
  const digest = sha256(content);
  const verdicts = [{ ...manifests[0].verdicts[0], digest: change.sha256 ?? digest }];
  const blockDigests = content.length === 0 ? new Uint8Array(0) : unhex(digest);
  return {
    ...same,
    coding: { ...coding, lengthBytes: content.length, blockDigests },
    manifests: [{ ...manifests[0], sizeBytes: content.length, sha256: digest, verdicts, ...change }],
  };
}

/** The code the first object is rejected with, or 'none'. */
function objection(value: Manifests, rules: Partial<TenantRules> = {}): string {
  const answer = new Verifier([publicKeyOf(key)], [{ ...RULES, ...rules }]).manifests(sealedManifests(value));
  if (!answer.ok) return expect.fail(`the envelope was refused: ${answer.code} ${answer.detail}`);
  return answer.value.objects[0].reject?.code ?? 'none';
}

describe('verifier', () => {
  it('answers what was signed, path and all, and objects to nothing', () => {
    const answer = verifier.manifests(sealedManifests(sample()));
    if (!answer.ok) return expect.fail(answer.detail);
    const { history, coding, objects, sealedMs } = answer.value;
    expect({ history, coding, sealedMs }).deep.equal({
      history: ORDINARY_SAMPLE.history,
      coding: sample().coding,
      sealedMs: ORDINARY_SAMPLE.sealed_ms,
    });
    expect(objects.map(({ parts }) => parts)).deep.equal([
      ['letters', 'hello.txt'],
      ['données', 'größe.bin'],
    ]);
    const { path, verdicts, consignment, ...expected } = sample().manifests[0];
    expect(objects[0]).deep.include({ ...expected, path: 'letters/hello.txt', keyId: KEY_ID });
    expect(objects.map(({ reject }) => reject)).deep.equal([undefined, undefined]);
  });

  it('judges by the rules of the moment', () => {
    const changing = new Verifier([publicKeyOf(key)], [RULES]);
    const code = () => {
      const answer = changing.manifests(sealedManifests(single()));
      return answer.ok ? answer.value.objects[0].reject?.code : answer.code;
    };
    expect(code()).equal(undefined);
    changing.useTenants([{ ...RULES, labels: ['public'] }]);
    expect(code()).equal('VERIFY_LABEL_NOT_ALLOWED');
    changing.useTenants([{ ...RULES, name: 'beta' }]);
    expect(code()).equal('VERIFY_TENANT_UNKNOWN');
    changing.useTenants([RULES]);
    expect(code()).equal(undefined);
  });

  it('FAULTS 63: what an objection quotes is safe to show', () => {
    const answer = verifier.manifests(sealedManifests(single({ label: 'x\u202e\u001b[31m' })));
    const detail = answer.ok ? answer.value.objects[0].reject?.detail : answer.detail;
    expect(detail).to.not.match(/[\u202e\u001b]/);
  });

  it('answers a heartbeat', () => {
    expect(verifier.heartbeat(heartbeat)).deep.equal({ ok: true, value: heartbeatOf(HEARTBEAT_SAMPLE) });
  });

  it('answers members of a consignment, and what was signed about it', () => {
    const answer = verifier.manifests(sealed(CONSIGNED_TYPE, encodeManifests(manifestsOf(CONSIGNED_SAMPLE))));
    if (!answer.ok) return expect.fail(answer.detail);
    expect(answer.value.consignment).deep.equal({
      id: 'e0e1e2e3e4e5e6e7e8e9eaebecedeeef',
      firstSequence: 10,
      objects: 3,
      sizeBytes: PAYLOAD.length + 5,
      tenant: 'alpha',
      root: 'année/2026',
      parts: ['année', '2026'],
    });
    expect(answer.value.objects.map(({ reject }) => reject)).deep.equal([undefined, undefined]);
    expect(verifier.manifests(sealedManifests(sample())))
      .nested.property('value')
      .not.property('consignment');
  });

  it('FAULTS 19: a statement signed as one type is not read as another', () => {
    for (const [type, value] of [
      [MANIFESTS_TYPE, CONSIGNED_SAMPLE],
      [CONSIGNED_TYPE, ORDINARY_SAMPLE],
    ] as const) {
      const answer = verifier.manifests(sealed(type, encodeManifests(manifestsOf(value))));
      expect(answer).deep.include({ ok: false, code: 'MANIFEST_INVALID' });
    }
  });

  it('FAULTS 23: members of a consignment whose root is no path are rejected, each with the reason', () => {
    const value = manifestsOf(CONSIGNED_SAMPLE);
    const root = new TextEncoder().encode('../up');
    const manifests = value.manifests.map((manifest) => ({
      ...manifest,
      path: Uint8Array.from([...root, 0x2f, 0x61]),
    }));
    const consignment = { ...value.consignment!, root };
    const answer = verifier.manifests(sealed(CONSIGNED_TYPE, encodeManifests({ ...value, manifests, consignment })));
    if (!answer.ok) return expect.fail(answer.detail);
    expect(answer.value.objects.map(({ reject }) => reject?.code)).deep.equal(Array(2).fill('NAME_UNSAFE_PATH'));
    expect(answer.value.consignment).include({ root: '../up' }).deep.include({ parts: [] });
  });

  // ------------------------------------------------------------ objections to one object

  const empty = new Uint8Array(0);
  const noVerdict = (): Manifests => single({ verdicts: [] });
  const CASES: [string, Manifests, Partial<TenantRules>, string][] = [
    ['nothing', single(), {}, 'none'],
    ['a consignment of which nothing is said', single({ consignment: 'c0'.repeat(16) }), {}, 'CONSIGNMENT_INVALID'],
    ['an empty object', single({}, empty), {}, 'none'],
    ['FAULTS 61: an unknown tenant', single({ tenant: 'beta' }), {}, 'VERIFY_TENANT_UNKNOWN'],
    ['FAULTS 11: a tenant called __proto__', single({ tenant: '__proto__' }), {}, 'VERIFY_TENANT_UNKNOWN'],
    ['a tenant without a name', single({ tenant: '' }), {}, 'VERIFY_TENANT_UNKNOWN'],
    ['a tenant in other letters', single({ tenant: 'Alpha' }), {}, 'VERIFY_TENANT_UNKNOWN'],
    ['a label that is not allowed', single({ label: 'secret' }), {}, 'VERIFY_LABEL_NOT_ALLOWED'],
    ['a label that is absent', single({ label: '' }), {}, 'VERIFY_LABEL_NOT_ALLOWED'],
    ['another allowed label', single({ label: 'internal' }), {}, 'none'],
    ['an object at the limit', single({}, PAYLOAD.subarray(0, 1000)), { maxObjectBytes: 1000 }, 'none'],
    ['a type on the list', single({ type: 'text/plain; charset=utf-8' }), { types: ['text/plain'] }, 'none'],
    ['a type of a family', single({ type: 'Image/PNG' }), { types: ['image/*'] }, 'none'],
    ['another type', single({ type: 'text/html' }), { types: ['text/plain', 'image/*'] }, 'VERIFY_TYPE_NOT_ALLOWED'],
    ['an object beyond it', single({}, PAYLOAD.subarray(0, 1001)), { maxObjectBytes: 1000 }, 'VERIFY_TOO_LARGE'],
    ['a missing verdict', noVerdict(), {}, 'VERIFY_VERDICT_MISSING'],
    [
      'a required filter of this side that did not run',
      single(),
      { requiredFilters: ['type', 'av'] },
      'VERIFY_VERDICT_MISSING',
    ],
    ['no verdict where none is required', noVerdict(), { requiredFilters: [] }, 'none'],
    ['FAULTS 23: a path that leads out', single({ path: Buffer.from('../x') }), {}, 'NAME_UNSAFE_PATH'],
    ['FAULTS 23: an absolute path', single({ path: Buffer.from('/x') }), {}, 'NAME_UNSAFE_PATH'],
    ['FAULTS 24: a path that is not UTF-8', single({ path: Buffer.from([0x61, 0xff]) }), {}, 'NAME_NOT_UTF8'],
    ['FAULTS 24: NUL in a path', single({ path: Buffer.from('a\0b') }), {}, 'NAME_FORBIDDEN_CHARACTER'],
    ['FAULTS 26: a name of Windows, portable', single({ path: Buffer.from('NUL') }), {}, 'NAME_NOT_PORTABLE'],
    ['FAULTS 26: the same, posix', single({ path: Buffer.from('NUL') }), { names: 'posix' }, 'none'],
    ['a long name', single({ path: Buffer.alloc(256, 'a') }), {}, 'NAME_TOO_LONG'],
    [
      'block and object digests that differ',
      { ...single(), coding: { ...single().coding, blockDigests: unhex(sha256(PAYLOAD)) } },
      {},
      'MANIFEST_INVALID',
    ],
    ['an empty object that hashes to something', single({ sha256: sha256(HELLO) }, empty), {}, 'MANIFEST_INVALID'],
  ];
  for (const [what, value, rules, code] of CASES) {
    it(`${code === 'none' ? 'lets pass' : 'objects to'} ${what}`, () => {
      expect(objection(value, rules)).equal(code);
    });
  }

  it('objects to a verdict on other bytes', () => {
    const value = single();
    value.manifests[0].verdicts[0].digest = sha256(PAYLOAD);
    expect(objection(value)).equal('VERIFY_VERDICT_MISSING');
    // The sample's second object was seen by "archive" as other bytes.
    const strict = new Verifier([publicKeyOf(key)], [{ ...RULES, requiredFilters: ['type', 'archive'] }]);
    const answer = strict.manifests(sealedManifests(sample()));
    if (!answer.ok) return expect.fail(answer.detail);
    expect(answer.value.objects.map(({ reject }) => reject?.code)).deep.equal([undefined, 'VERIFY_VERDICT_MISSING']);
  });

  it('one object of a bundle is rejected for itself alone, and its path is shown escaped', () => {
    const value = sample();
    value.manifests[0].path = Buffer.from('a\u001b[2J\n');
    const answer = verifier.manifests(sealedManifests(value));
    if (!answer.ok) return expect.fail(answer.detail);
    const [bad, good] = answer.value.objects;
    expect(bad.reject?.code).equal('NAME_FORBIDDEN_CHARACTER');
    expect(bad.path).equal('a\\u{1b}[2J\\u{a}');
    expect(bad.parts).deep.equal([]);
    expect(good.reject).equal(undefined);
  });

  it('FAULTS 60: objects of two tenants in one payload are refused together: its room would be charged to one', () => {
    const value = sample();
    value.manifests[1].tenant = 'beta';
    const serving = new Verifier([publicKeyOf(key)], [RULES, { ...RULES, name: 'beta' }]);
    const answer = serving.manifests(sealedManifests(value));
    expect(answer).deep.include({ ok: false, code: 'MANIFEST_INVALID' });
    expect(answer).property('detail').to.include('two tenants');
    value.manifests[0].tenant = 'beta';
    expect(serving.manifests(sealedManifests(value))).include({ ok: true });
  });

  // ------------------------------------------------------------ envelopes that are not believed

  const refusedAs = (bytes: Uint8Array, by = verifier): [string | undefined, string | undefined] => {
    const answers = [by.manifests(bytes), by.heartbeat(bytes)].map((answer) => (answer.ok ? undefined : answer.code));
    return [answers[0], answers[1]];
  };

  it('FAULTS 18: the signature of a key that is not trusted', () => {
    const bytes = sealed(MANIFESTS_TYPE, encodeManifests(sample()), other);
    expect(refusedAs(bytes)).deep.equal(['ENVELOPE_KEY_UNKNOWN', 'ENVELOPE_KEY_UNKNOWN']);
  });

  it('FAULTS 18: the signature of one key under the name of another', () => {
    const statement = encodeManifests(sample());
    const signature = signStatement(other, MANIFESTS_TYPE, statement);
    const bytes = encodeEnvelope({ statementType: MANIFESTS_TYPE, statement, keyId: unhex(KEY_ID), signature });
    expect(refusedAs(bytes)[0]).equal('ENVELOPE_SIGNATURE');
    // Also when both are trusted.
    const both = new Verifier([publicKeyOf(key), publicKeyOf(other)], [RULES]);
    expect(refusedAs(bytes, both)[0]).equal('ENVELOPE_SIGNATURE');
  });

  it('FAULTS 18: a statement that names another key than its envelope', () => {
    const statement = encodeManifests({ ...sample(), keyId: publicKeyOf(other).keyId });
    expect(refusedAs(sealed(MANIFESTS_TYPE, statement))[0]).equal('MANIFEST_INVALID');
    const pulse = encodeHeartbeat({ ...heartbeatOf(HEARTBEAT_SAMPLE), keyId: publicKeyOf(other).keyId });
    expect(refusedAs(sealed(HEARTBEAT_TYPE, pulse))[1]).equal('MANIFEST_INVALID');
  });

  it('FAULTS 18: a heartbeat offered as manifests, and the other way round', () => {
    expect(refusedAs(heartbeat)).deep.equal(['ENVELOPE_MALFORMED', undefined]);
    expect(refusedAs(sealedManifests(sample()))).deep.equal([undefined, 'ENVELOPE_MALFORMED']);
    // Under the other type the signature no longer holds; signed under it, the statement is none.
    const statement = encodeHeartbeat(heartbeatOf(HEARTBEAT_SAMPLE));
    const signature = signStatement(key, HEARTBEAT_TYPE, statement);
    const renamed = encodeEnvelope({ statementType: MANIFESTS_TYPE, statement, keyId: unhex(KEY_ID), signature });
    expect(refusedAs(renamed)[0]).equal('ENVELOPE_SIGNATURE');
    expect(refusedAs(sealed(MANIFESTS_TYPE, statement))[0]).equal('MANIFEST_INVALID');
  });

  it('FAULTS 18: a malleable signature', () => {
    const statement = encodeManifests(sample());
    const good = signStatement(key, MANIFESTS_TYPE, statement);
    const signature = Uint8Array.from([...good.subarray(0, 32), ...bytesOfNumber(numberOf(good.subarray(32)) + ORDER)]);
    const bytes = encodeEnvelope({ statementType: MANIFESTS_TYPE, statement, keyId: unhex(KEY_ID), signature });
    expect(refusedAs(bytes)[0]).equal('ENVELOPE_SIGNATURE');
  });

  it('FAULTS 19: a second statement beside the signed one', () => {
    const statement = encodeManifests(sample());
    const signature = signStatement(key, MANIFESTS_TYPE, statement);
    const evil = encodeManifests({ ...sample(), history: 'ff'.repeat(16) });
    for (const two of [
      [evil, statement],
      [statement, evil],
    ]) {
      const bytes = bytesOf(
        delimited(1, MANIFESTS_TYPE),
        ...two.map((one) => delimited(2, one)),
        delimited(3, unhex(KEY_ID)),
        delimited(4, signature),
      );
      expect(refusedAs(bytes)[0]).equal('ENVELOPE_MALFORMED');
    }
  });

  it('FAULTS 17, 18: a statement that is signed but cannot be, is refused whole', () => {
    const value = sample();
    value.manifests[1].sequence = value.manifests[0].sequence;
    expect(refusedAs(sealedManifests(value))[0]).equal('MANIFEST_INVALID');
    expect(refusedAs(sealed(MANIFESTS_TYPE, new Uint8Array(0)))[0]).equal('MANIFEST_INVALID');
    expect(refusedAs(sealed(HEARTBEAT_TYPE, new Uint8Array(0)))[1]).equal('MANIFEST_INVALID');
  });

  it('FAULTS 21: while keys are changed both count, and a key that was taken away no longer does', () => {
    const [old, young] = [
      sealedManifests(sample()),
      sealed(MANIFESTS_TYPE, encodeManifests({ ...sample(), keyId: publicKeyOf(other).keyId }), other),
    ];
    const during = new Verifier([publicKeyOf(key), publicKeyOf(other)], [RULES]);
    expect([old, young].map((bytes) => during.manifests(bytes).ok)).deep.equal([true, true]);
    const after = new Verifier([publicKeyOf(other)], [RULES]);
    expect([old, young].map((bytes) => after.manifests(bytes).ok)).deep.equal([false, true]);
  });

  it('FAULTS 18: any one byte changed, and nothing is believed', () => {
    for (const genuine of [sealedManifests(sample()), heartbeat]) {
      const bytes = Uint8Array.from(genuine);
      const isHeartbeat = genuine === heartbeat;
      for (let at = 0; at < bytes.length; at++) {
        // One bit of each byte, each time another one, and all of them.
        for (const change of [1 << (at & 7), 0xff]) {
          bytes[at]! ^= change;
          const answer = isHeartbeat ? verifier.heartbeat(bytes) : verifier.manifests(bytes);
          const code = answer.ok ? 'believed' : answer.code;
          expect(code, `byte ${at}`).match(/^ENVELOPE_(MALFORMED|KEY_UNKNOWN|SIGNATURE)$/);
          bytes[at]! ^= change;
        }
      }
    }
  });

  it('FAULTS 11, 12, 18: bytes put in, taken out, repeated or exchanged, and nothing is believed', () => {
    const genuine = sealedManifests(sample());
    const change = fc.record({ how: fc.constantFrom('in', 'out', 'twice', 'swap'), at: fc.nat(), length: fc.nat(80) });
    const never = new Set(['INTERNAL', undefined]);
    fc.assert(
      fc.property(change, fc.uint8Array({ minLength: 1, maxLength: 20 }), ({ how, at: anyAt, length }, noise) => {
        const at = anyAt % genuine.length;
        const [before, part, after] = [
          genuine.subarray(0, at),
          genuine.subarray(at, at + length),
          genuine.subarray(at + length),
        ];
        const changed =
          how === 'in'
            ? [before, noise, part, after]
            : how === 'out'
              ? [before, after]
              : how === 'twice'
                ? [before, part, part, after]
                : [part, before, after];
        const bytes = bytesOf(...changed);
        if (Buffer.compare(bytes, genuine) === 0) return;
        for (const code of refusedAs(bytes)) expect(never.has(code), `${code}`).equal(false);
      }),
      { numRuns: 1000, seed: 5 },
    );
  });

  it('FAULTS 1: whatever bytes arrive, it answers', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(refusedAs(bytes)).deep.equal(['ENVELOPE_MALFORMED', 'ENVELOPE_MALFORMED']);
      }),
      { numRuns: 1000, seed: 6 },
    );
  });
});
