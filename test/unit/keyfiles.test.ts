/** Key files: made once, read only when nobody else can, and never quoted in an error (FAULTS 66). */
import { execFileSync } from 'node:child_process';
import { createHash, generateKeyPairSync, sign, verify } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { type ErrorCode, SluiceError } from '../../shared/core/errors.js';
import { LIMITS } from '../../shared/core/limits.js';
import {
  generateKeys,
  readLinkKey,
  readPublicKey,
  readSigningKey,
  readTrustedKeys,
} from '../../shared/crypto/keyfiles.js';

/** The error a call ends with; a call that ends well fails the test. */
function failure(call: () => unknown, code: ErrorCode): SluiceError {
  try {
    call();
  } catch (error) {
    expect(error).instanceOf(SluiceError);
    expect((error as SluiceError).code).equal(code);
    return error as SluiceError;
  }
  throw new Error(`expected ${code}, but nothing was thrown`);
}

describe('key files', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'sluice-keys-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const put = (name: string, content: string | Buffer, mode = 0o600): string => {
    const path = join(dir, name);
    writeFileSync(path, content);
    chmodSync(path, mode);
    return path;
  };
  const modeOf = (path: string) => statSync(path).mode & 0o777;
  const rsa = () => generateKeyPairSync('rsa', { modulusLength: 2048 });
  const privatePem = (key: { export(options: { type: 'pkcs8'; format: 'pem' }): string | Buffer }) =>
    key.export({ type: 'pkcs8', format: 'pem' });
  const publicPem = (key: { export(options: { type: 'spki'; format: 'pem' }): string | Buffer }) =>
    key.export({ type: 'spki', format: 'pem' });

  describe('generateKeys', () => {
    it('writes keys that read back and belong together', () => {
      const keys = generateKeys(join(dir, 'new', 'keys'));
      const publicKey = readPublicKey(keys.public);
      const message = Buffer.from('one way');
      expect(verify(null, message, publicKey.key, sign(null, message, readSigningKey(keys.signing)))).equal(true);
      expect(publicKey.raw).length(32);
      expect(Buffer.from(publicKey.keyId)).deep.equal(
        createHash('sha256').update(publicKey.raw).digest().subarray(0, 8),
      );
      expect(Buffer.from(publicKey.keyId).toString('hex')).equal(keys.keyId);
      expect(readLinkKey(keys.link)).length(16);
      expect(readFileSync(keys.link, 'latin1')).match(/^[0-9a-f]{32}\n$/);
    });

    it('gives the raw key that RFC 8032 means', () => {
      // RFC 8410, section 10.1: the example public key, and its 32 bytes.
      const pem =
        '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n';
      const raw = Buffer.from(readPublicKey(put('rfc.pub', pem, 0o644)).raw).toString('hex');
      expect(raw).equal('19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1');
    });

    it('FAULTS 66: secrets are readable by their owner only, whatever the umask', () => {
      for (const [index, mask] of [0o000, 0o022, 0o077].entries()) {
        const before = process.umask(mask);
        try {
          const keys = generateKeys(join(dir, String(index)));
          expect([keys.signing, keys.public, keys.link].map(modeOf)).deep.equal([0o600, 0o644, 0o600]);
        } finally {
          process.umask(before);
        }
      }
    });

    it('makes other keys each time', () => {
      const [a, b] = [generateKeys(join(dir, 'a')), generateKeys(join(dir, 'b'))];
      expect(a.keyId).not.equal(b.keyId);
      expect(readLinkKey(a.link)).not.deep.equal(readLinkKey(b.link));
    });

    it('never overwrites, and leaves nothing behind when one of the files is there', () => {
      for (const name of ['signing.key', 'signing.pub', 'link.key']) {
        const folder = join(dir, `with-${name}`);
        mkdirSync(folder);
        writeFileSync(join(folder, name), 'precious');
        failure(() => generateKeys(folder), 'KEY_EXISTS');
        expect(readdirSync(folder)).deep.equal([name]);
        expect(readFileSync(join(folder, name), 'utf8')).equal('precious');
      }
    });

    it('does not write through a dangling link', () => {
      symlinkSync(join(dir, 'elsewhere'), join(dir, 'signing.key'));
      failure(() => generateKeys(dir), 'KEY_EXISTS');
      expect(existsSync(join(dir, 'elsewhere'))).equal(false);
    });

    it('says so when the folder cannot be made', () => {
      failure(() => generateKeys(join(put('file', ''), 'keys')), 'KEY_UNREADABLE');
    });
  });

  describe('secret files', () => {
    const readers = [
      { what: 'signing key', name: 'signing' as const, read: readSigningKey },
      { what: 'link key', name: 'link' as const, read: readLinkKey },
    ];
    for (const { what, name, read } of readers) {
      it(`FAULTS 66: a ${what} that anybody else can read, write or run is refused`, () => {
        const path = generateKeys(dir)[name];
        for (const mode of [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o644, 0o777]) {
          chmodSync(path, mode);
          expect(failure(() => read(path), 'KEY_EXPOSED').detail).contain(`mode 0${mode.toString(8)}`);
        }
        for (const mode of [0o600, 0o400]) {
          chmodSync(path, mode);
          expect(() => read(path)).not.to.throw();
        }
      });

      it(`FAULTS 66: a ${what} behind a link is refused`, () => {
        symlinkSync(generateKeys(join(dir, 'real'))[name], join(dir, 'link'));
        failure(() => read(join(dir, 'link')), 'KEY_EXPOSED');
      });

      it(`FAULTS 66: a ${what} of another user is refused`, function () {
        const path = generateKeys(dir)[name];
        // Only root can give a file away; for anybody else there is no way to set this up.
        if (process.geteuid?.() !== 0) this.skip();
        chownSync(path, 12_345, 12_345);
        failure(() => read(path), 'KEY_EXPOSED');
      });

      it(`a ${what} that is missing, a folder, a pipe, empty or too large is no key`, () => {
        failure(() => read(join(dir, 'missing')), 'KEY_UNREADABLE');
        failure(() => read(put('empty', '')), 'KEY_UNREADABLE');
        failure(() => read(put('large', Buffer.alloc(LIMITS.keyFileMaxBytes + 1, 0x30))), 'KEY_UNREADABLE');
        mkdirSync(join(dir, 'folder'), { mode: 0o700 });
        expect(failure(() => read(join(dir, 'folder')), 'KEY_UNREADABLE').detail).contain('not a file');
        execFileSync('mkfifo', ['-m', '600', join(dir, 'pipe')]);
        expect(failure(() => read(join(dir, 'pipe')), 'KEY_UNREADABLE').detail).contain('not a file');
      });
    }

    it('only an Ed25519 private key is a signing key', () => {
      const x25519 = generateKeyPairSync('x25519');
      const ed25519 = generateKeyPairSync('ed25519');
      const encrypted = ed25519.privateKey.export({
        type: 'pkcs8',
        format: 'pem',
        cipher: 'aes-256-cbc',
        passphrase: 'secret',
      });
      const wrong: [string, string | Buffer][] = [
        ['x25519', privatePem(x25519.privateKey)],
        ['rsa', privatePem(rsa().privateKey)],
        ['ec', privatePem(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)],
        ['ed448', privatePem(generateKeyPairSync('ed448').privateKey)],
        ['public', publicPem(ed25519.publicKey)],
        ['encrypted', encrypted],
        ['noise', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n'],
        ['words', 'not a key'],
        ['der', ed25519.privateKey.export({ type: 'pkcs8', format: 'der' })],
      ];
      for (const [name, content] of wrong) failure(() => readSigningKey(put(name, content)), 'KEY_UNREADABLE');
      expect(() => readSigningKey(put('right', privatePem(ed25519.privateKey)))).not.to.throw();
    });

    it('only 32 hexadecimal digits are a link key', () => {
      const digits = '00112233445566778899aabbccddeeff';
      const right = [digits, `${digits}\n`, `${digits}\r\n`, digits.toUpperCase()];
      for (const text of right) {
        expect(Buffer.from(readLinkKey(put('right', text))).toString('hex')).equal(digits);
      }
      const wrong = [
        digits.slice(1),
        `${digits}0`,
        ` ${digits}`,
        `${digits}\n\n`,
        `${digits} x`,
        digits.replace('f', 'g'),
      ];
      for (const text of wrong) failure(() => readLinkKey(put('wrong', text)), 'KEY_UNREADABLE');
      failure(() => readLinkKey(put('binary', Buffer.alloc(16, 7))), 'KEY_UNREADABLE');
    });

    it('FAULTS 66: nothing of a refused file is in the error', () => {
      const secret = 'c0ffee00c0ffee00c0ffee00c0ffee0';
      const pem = String(privatePem(rsa().privateKey));
      const errors = [
        failure(() => readLinkKey(put('short', secret)), 'KEY_UNREADABLE'),
        failure(() => readLinkKey(put('open', `${secret}0`, 0o644)), 'KEY_EXPOSED'),
        failure(() => readSigningKey(put('hex', secret)), 'KEY_UNREADABLE'),
        failure(() => readSigningKey(put('rsa', pem)), 'KEY_UNREADABLE'),
        failure(() => readPublicKey(put('rsa.pub', pem)), 'KEY_UNREADABLE'),
      ];
      for (const error of errors) {
        const everything = `${error.stack} ${error.message} ${JSON.stringify(error)} ${String(error.cause)}`;
        expect(everything).not.contain(secret.slice(0, 12));
        expect(everything).not.contain(pem.slice(40, 60));
        expect(error.cause).equal(undefined);
      }
    });
  });

  describe('public keys', () => {
    it('only an Ed25519 public key is one', () => {
      const wrong: [string, string | Buffer][] = [
        ['x25519', publicPem(generateKeyPairSync('x25519').publicKey)],
        ['rsa', publicPem(rsa().publicKey)],
        ['private', privatePem(generateKeyPairSync('ed25519').privateKey)],
        ['empty', ''],
        ['words', '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n'],
      ];
      for (const [name, content] of wrong) failure(() => readPublicKey(put(name, content, 0o644)), 'KEY_UNREADABLE');
      failure(() => readPublicKey(dir), 'KEY_UNREADABLE');
      failure(() => readPublicKey(join(dir, 'missing')), 'KEY_UNREADABLE');
      failure(() => readPublicKey(put('large', Buffer.alloc(LIMITS.keyFileMaxBytes + 1, 10))), 'KEY_UNREADABLE');
    });

    it('FAULTS 66: a trusted key or folder that anybody can change is not trusted', () => {
      const keys = generateKeys(dir);
      chmodSync(keys.public, 0o646);
      expect(failure(() => readPublicKey(keys.public), 'KEY_UNREADABLE').detail).contain('change');
      chmodSync(keys.public, 0o644);
      chmodSync(dir, 0o777);
      expect(failure(() => readTrustedKeys(dir), 'KEY_UNREADABLE').detail).contain('put keys');
    });

    it('trusts every .pub file of a folder, whatever else lies there, and each key once', () => {
      const [a, b] = [generateKeys(join(dir, 'a')), generateKeys(join(dir, 'b'))];
      const trusted = join(dir, 'trusted');
      mkdirSync(trusted, { mode: 0o755 });
      for (const [name, path] of [
        ['1.pub', a.public],
        ['2.pub', b.public],
        ['copy.pub', a.public],
      ] as const) {
        writeFileSync(join(trusted, name), readFileSync(path));
      }
      writeFileSync(join(trusted, 'README'), 'the keys we trust');
      const ids = readTrustedKeys(trusted).map((key) => Buffer.from(key.keyId).toString('hex'));
      expect(ids).deep.equal([a.keyId, b.keyId]);
      expect(readTrustedKeys([b.public]).map((key) => key.key.asymmetricKeyType)).deep.equal(['ed25519']);
    });

    it('trusting nothing, or too much, ends the start', () => {
      failure(() => readTrustedKeys([]), 'KEY_UNREADABLE');
      failure(() => readTrustedKeys(dir), 'KEY_UNREADABLE');
      failure(() => readTrustedKeys(join(dir, 'missing')), 'KEY_UNREADABLE');
      const one = generateKeys(dir).public;
      failure(() => readTrustedKeys(Array.from({ length: LIMITS.trustedMaxKeys + 1 }, () => one)), 'KEY_UNREADABLE');
      writeFileSync(join(dir, 'broken.pub'), 'x');
      failure(() => readTrustedKeys(dir), 'KEY_UNREADABLE');
    });
  });
});
