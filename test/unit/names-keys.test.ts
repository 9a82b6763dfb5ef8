/** FAULTS 25: which two names would be taken for one another. */
import { expect } from 'chai';
import fc from 'fast-check';
import { LIMITS } from '../../shared/core/limits.js';
import { checkPath, collisionKey, showName } from '../../shared/wire/names.js';
import { versionName } from '../../shared/wire/versionName.js';

describe('names: which two are one', () => {
  const collide = (a: string, b: string, profile: 'posix' | 'portable') =>
    collisionKey(a, profile) === collisionKey(b, profile);

  it('FAULTS 25: composed and decomposed accents collide in both profiles', () => {
    expect(collide('Prüfung.pdf', 'Pru\u0308fung.pdf', 'posix')).to.equal(true);
    expect(collide('Prüfung.pdf', 'Pru\u0308fung.pdf', 'portable')).to.equal(true);
    expect(collide('한글', '한글'.normalize('NFD'), 'posix')).to.equal(true);
  });

  const onlyPortable: [string, string][] = [
    ['README', 'readme'],
    ['Straße', 'STRASSE'],
    ['STRAẞE', 'straße'],
    ['ΌΔΟΣ', 'όδος'],
    ['ﬁle', 'file'],
    ['\u212a', 'k'],
    ['Ａ.txt', 'a.txt'],
    ['раypal.txt', 'paypal.txt'],
    ['ВАТ', 'bat'],
    ['Αθ', 'aθ'],
    ['na\u200dme', 'name'],
    ['a\u00adb', 'ab'],
    ['❤\ufe0f', '❤'],
  ];
  for (const [a, b] of onlyPortable) {
    it(`FAULTS 25: ${JSON.stringify(a)} and ${JSON.stringify(b)} collide in portable, not in posix`, () => {
      expect([collide(a, b, 'portable'), collide(a, b, 'posix')]).to.deep.equal([true, false]);
    });
  }

  it('FAULTS 25: different names stay different', () => {
    for (const [a, b] of [
      ['a1', 'al'],
      ['O', '0'],
      ['rn', 'm'],
      ['a', 'ä'],
      ['a/b', 'a/c'],
      ['Жук', 'Зук'],
    ] as const)
      expect(collide(a, b, 'portable'), `${a} ${b}`).to.equal(false);
  });

  it('property: a key is the key of its case variants and normal forms', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 20 }), (text) => {
        const key = collisionKey(text, 'portable');
        for (const form of ['NFC', 'NFD', 'NFKC', 'NFKD'] as const) {
          expect(collisionKey(text.normalize(form), 'portable')).to.equal(key);
        }
        expect(collisionKey(text.toLowerCase(), 'portable')).to.equal(key);
        expect(collisionKey(text.toUpperCase(), 'portable')).to.equal(key);
      }),
      { seed: 25, numRuns: 2000 },
    );
  });
});

describe('names: shown to people', () => {
  const cases: [string | Uint8Array, string][] = [
    ['plain – 日本.txt', 'plain – 日本.txt'],
    ['a\r\nFAKE LOG LINE', 'a\\u{d}\\u{a}FAKE LOG LINE'],
    ['\u001b[2J\u0007', '\\u{1b}[2J\\u{7}'],
    ['","admin":true,"x":"', '\\",\\"admin\\":true,\\"x\\":\\"'],
    ['a\\b', 'a\\\\b'],
    ['exe.\u202efdp', 'exe.\\u{202e}fdp'],
    ['\u009b31m', '\\u{9b}31m'],
    ['\ud800', '\\u{d800}'],
    ['x\u2028y\ufeff', 'x\\u{2028}y\\u{feff}'],
    [Uint8Array.of(0x61, 0xff, 0xc3, 0xa9, 0xc3), 'a\\xffé\\xc3'],
    [Uint8Array.of(0xed, 0xa0, 0x80), '\\xed\\xa0\\x80'],
    [Uint8Array.of(), ''],
  ];
  for (const [name, shown] of cases) {
    it(`FAULTS 63: ${JSON.stringify(shown)}`, () => {
      expect(showName(name)).to.equal(shown);
    });
  }

  it('FAULTS 63: no bytes ever come out as something a terminal acts on, and different bytes look different', () => {
    const seen = new Map<string, string>();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
        const shown = showName(bytes);
        expect(shown).not.to.match(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u);
        expect(JSON.parse(`"${shown.replace(/\\x|\\u\{/g, '_')}"`)).to.be.a('string');
        const hex = Buffer.from(bytes).toString('hex');
        expect(seen.get(shown) ?? hex).to.equal(hex);
        seen.set(shown, hex);
      }),
      { seed: 63, numRuns: 2000 },
    );
  });

  it('is bounded', () => {
    const shown = showName(new Uint8Array(100_000).fill(0x61));
    expect(shown.length).to.equal(LIMITS.pathMaxBytes + 1);
    expect(shown.endsWith('…')).to.equal(true);
  });
});

describe('names: versions', () => {
  const cases: [string, number, string][] = [
    ['report.pdf', 1, 'report.pdf'],
    ['report.pdf', 2, 'report.v2.pdf'],
    ['report', 3, 'report.v3'],
    ['data.tar.gz', 2, 'data.v2.tar.gz'],
    ['.bashrc', 2, '.bashrc.v2'],
    ['a.v2.pdf', 2, 'a.v2.v2.pdf'],
    ['Brief Nr. 12 vom Amt', 2, 'Brief Nr. 12 vom Amt.v2'],
    ['x.', 2, 'x..v2'],
  ];
  for (const [name, version, expected] of cases) {
    it(`FAULTS 53: version ${version} of ${name} is ${expected}`, () => {
      expect(versionName(name, version)).to.equal(expected);
    });
  }

  it('FAULTS 53: never longer than a name may be, and never cut inside a character', () => {
    const names = ['x', 'é', '日', '😀'].flatMap((letter) =>
      ['', '.pdf', '.tar.xz'].map((end) => {
        const room = LIMITS.pathPartMaxBytes - Buffer.byteLength(end);
        return letter.repeat(Math.floor(room / Buffer.byteLength(letter))) + end;
      }),
    );
    for (const name of names) {
      for (const version of [2, 10, 4096]) {
        const versioned = versionName(name, version);
        expect(Buffer.byteLength(versioned)).to.be.within(240, LIMITS.pathPartMaxBytes);
        expect(checkPath(Buffer.from(versioned), 'posix').ok, versioned).to.equal(true);
      }
    }
  });
});
