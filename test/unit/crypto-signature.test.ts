/** Signatures: DSSE's encoding, two implementations that must agree, and keys and signatures that are not believed. */
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { expect } from 'chai';
import fc from 'fast-check';
import nacl from 'tweetnacl';
import { type PublicKey, publicKeyOf } from '../../shared/crypto/publicKey.js';
import { preAuthenticationEncoding, signStatement, statementVerifies } from '../../shared/crypto/signature.js';
import { HEARTBEAT_TYPE, MANIFESTS_TYPE } from '../../shared/wire/statements.js';
import { add, bytesOfNumber, isIdentity, numberOf, ORDER, pointOf } from '../support/crypto-edwards.js';
import { hex, KEY_ID, OTHER_SEED, PUBLIC_KEY, SEED, signingKey, unhex } from '../support/wire-samples.js';

const key = signingKey(SEED);
const publicKey = publicKeyOf(key);
const statement = new TextEncoder().encode('what is signed');
const openSsl = (by: PublicKey, message: Uint8Array, signature: Uint8Array) => verify(null, message, by.key, signature);
const tweetNacl = (by: PublicKey, message: Uint8Array, signature: Uint8Array) =>
  nacl.sign.detached.verify(message, signature, by.raw);

/** A key that no file would be read for. */
function rawKey(raw: Uint8Array): PublicKey {
  const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), raw]);
  const keyObject = createPublicKey({ key: spki, format: 'der', type: 'spki' });
  return { key: keyObject, raw, keyId: createHash('sha256').update(raw).digest().subarray(0, 8) };
}

/** S + L in place of S: the same signature for a verifier that does not insist on S < L. */
function withLargeS(signature: Uint8Array): Uint8Array {
  return Uint8Array.from([...signature.subarray(0, 32), ...bytesOfNumber(numberOf(signature.subarray(32)) + ORDER)]);
}

describe('signature', () => {
  it('signs the pre-authentication encoding of DSSE', () => {
    // The example of the DSSE protocol document.
    const example = preAuthenticationEncoding('http://example.com/HelloWorld', new TextEncoder().encode('hello world'));
    expect(example.toString()).equal('DSSEv1 29 http://example.com/HelloWorld 11 hello world');
    expect(preAuthenticationEncoding('', new Uint8Array(0)).toString()).equal('DSSEv1 0  0 ');
    expect(preAuthenticationEncoding('é', Uint8Array.of(0, 255)).toString('latin1')).equal('DSSEv1 2 Ã© 2 \x00ÿ');
  });

  it('no two pairs of type and statement have one encoding', () => {
    const text = fc.string({ maxLength: 6, unit: fc.constantFrom('1', '2', ' ', 'a', 'é') });
    fc.assert(
      fc.property(text, text, text, text, (typeA, bodyA, typeB, bodyB) => {
        const a = preAuthenticationEncoding(typeA, Buffer.from(bodyA));
        const b = preAuthenticationEncoding(typeB, Buffer.from(bodyB));
        expect(a.equals(b)).equal(typeA === typeB && bodyA === bodyB);
      }),
      { numRuns: 2000, seed: 1 },
    );
  });

  it('both implementations make the same signature and take each other for right', () => {
    const secret = nacl.sign.keyPair.fromSeed(SEED);
    expect(hex(secret.publicKey)).equal(hex(PUBLIC_KEY));
    expect(hex(publicKey.raw)).equal(hex(PUBLIC_KEY));
    expect(hex(publicKey.keyId)).equal(KEY_ID);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (body) => {
        const signature = signStatement(key, MANIFESTS_TYPE, body);
        const message = preAuthenticationEncoding(MANIFESTS_TYPE, body);
        expect(hex(signature)).equal(hex(nacl.sign.detached(message, secret.secretKey)));
        expect(openSsl(publicKey, message, signature)).equal(true);
        expect(tweetNacl(publicKey, message, signature)).equal(true);
        expect(statementVerifies(publicKey, MANIFESTS_TYPE, body, signature)).equal(true);
      }),
      { numRuns: 12, seed: 2 },
    );
  });

  it('FAULTS 18: a signature with any bit flipped, a byte more or less is refused', () => {
    const signature = signStatement(key, MANIFESTS_TYPE, statement);
    for (let bit = 0; bit < 512; bit++) {
      const changed = Uint8Array.from(signature);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect(statementVerifies(publicKey, MANIFESTS_TYPE, statement, changed), `bit ${bit}`).equal(false);
    }
    for (const wrong of [
      [],
      signature.subarray(1),
      [...signature, 0],
      new Uint8Array(64),
      new Uint8Array(64).fill(255),
    ])
      expect(statementVerifies(publicKey, MANIFESTS_TYPE, statement, Uint8Array.from(wrong))).equal(false);
  });

  it('FAULTS 18: a malleable S is refused, although one of the two implementations takes it', () => {
    const signature = withLargeS(signStatement(key, MANIFESTS_TYPE, statement));
    const message = preAuthenticationEncoding(MANIFESTS_TYPE, statement);
    expect(tweetNacl(publicKey, message, signature), 'tweetnacl').equal(true);
    expect(openSsl(publicKey, message, signature), 'OpenSSL').equal(false);
    expect(statementVerifies(publicKey, MANIFESTS_TYPE, statement, signature)).equal(false);
  });

  it('FAULTS 18: the signature of one type is none for the other', () => {
    const signature = signStatement(key, HEARTBEAT_TYPE, statement);
    expect(statementVerifies(publicKey, HEARTBEAT_TYPE, statement, signature)).equal(true);
    expect(statementVerifies(publicKey, MANIFESTS_TYPE, statement, signature)).equal(false);
    // Nor does a signature over the bare bytes count.
    const bare = new Uint8Array(sign(null, statement, key));
    expect(statementVerifies(publicKey, HEARTBEAT_TYPE, statement, bare)).equal(false);
  });

  it('FAULTS 18: the signature of another key is refused', () => {
    const signature = signStatement(signingKey(OTHER_SEED), MANIFESTS_TYPE, statement);
    expect(statementVerifies(publicKey, MANIFESTS_TYPE, statement, signature)).equal(false);
    expect(statementVerifies(publicKeyOf(signingKey(OTHER_SEED)), MANIFESTS_TYPE, statement, signature)).equal(true);
  });
});

describe('public key', () => {
  /** y of the points of small order, without their sign; the last two are 0 and 1 written as p and p + 1. */
  const SMALL = [
    '0000000000000000000000000000000000000000000000000000000000000000',
    '0100000000000000000000000000000000000000000000000000000000000000',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  ];
  const eightTimes = (bytes: Uint8Array) => {
    let point = pointOf(bytes)!;
    for (let i = 0; i < 3; i++) point = add(point, point);
    return point;
  };

  it('is the same for a private key, its public key and a copy', () => {
    const { privateKey, publicKey: given } = generateKeyPairSync('ed25519');
    const [a, b, c] = [privateKey, given, createPublicKey(privateKey)].map((one: KeyObject) => publicKeyOf(one));
    expect(hex(a.raw)).equal(hex(b.raw));
    expect(hex(a.keyId)).equal(hex(c.keyId));
    expect(a.raw.length).equal(32);
    expect(hex(a.keyId)).equal(createHash('sha256').update(a.raw).digest('hex').slice(0, 16));
  });

  it('FAULTS 18: keys of small order are refused, for anybody can sign for them', () => {
    for (const text of SMALL) {
      for (const sign of [0, 0x80]) {
        const raw = unhex(text);
        raw[31]! |= sign;
        expect(isIdentity(eightTimes(raw)), text).equal(true);
        expect(() => publicKeyOf(rawKey(raw).key), text)
          .throw()
          .property('code', 'KEY_UNREADABLE');
      }
    }
    expect(isIdentity(eightTimes(PUBLIC_KEY))).equal(false);
  });

  it('what would happen without that: S = 1, R = B verifies for every statement in both implementations', () => {
    const identity = rawKey(unhex(SMALL[1]));
    const base = unhex(`58${'66'.repeat(31)}`);
    const forged = Uint8Array.from([...base, ...bytesOfNumber(1n)]);
    expect(statementVerifies(identity, MANIFESTS_TYPE, statement, forged)).equal(true);
  });

  it('refuses keys of another kind', () => {
    for (const kind of ['ed448', 'x25519'] as const) {
      const { publicKey: other } = kind === 'ed448' ? generateKeyPairSync('ed448') : generateKeyPairSync('x25519');
      expect(() => publicKeyOf(other), kind)
        .throw()
        .property('code', 'KEY_UNREADABLE');
    }
  });
});
