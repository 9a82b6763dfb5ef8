/** FAULTS 23, 24, 26: which paths travel under each profile, and how any name is shown. */
import { expect } from 'chai';
import fc from 'fast-check';
import { LIMITS } from '../../shared/core/limits.js';
import { checkPath, type NamesProfile } from '../../shared/wire/names.js';

const check = (path: string | Uint8Array, profile: NamesProfile = 'posix') => {
  const result = checkPath(typeof path === 'string' ? Buffer.from(path) : path, profile);
  return result.ok ? 'ok' : result.code;
};
const both = (path: string | Uint8Array) => [check(path, 'posix'), check(path, 'portable')];

describe('names: which paths travel', () => {
  it('gives the text and the parts of an ordinary path back unchanged', () => {
    const path = 'Berichte/2026/Prüfung „Straße“ – 日本語 (1).pdf';
    expect(checkPath(Buffer.from(path), 'portable')).to.deep.equal({ ok: true, path, parts: path.split('/') });
  });

  const unsafe = [
    '',
    '/',
    '/etc/passwd',
    '..',
    '../x',
    'a/../b',
    'a/..',
    '.',
    './a',
    'a/.',
    'a//b',
    'a/',
    '//server/x',
  ];
  for (const path of [...unsafe, 'C:/Windows/x', 'c:']) {
    it(`FAULTS 23: refuses the path ${JSON.stringify(path)} in both profiles`, () => {
      expect(both(path)).to.deep.equal(['NAME_UNSAFE_PATH', 'NAME_UNSAFE_PATH']);
    });
  }

  for (const path of ['a\\b', '..\\x', 'C:\\Windows', '\\\\server\\share\\x']) {
    it(`FAULTS 23: refuses the backslash in ${JSON.stringify(path)}`, () => {
      expect(both(path)).to.deep.equal(['NAME_FORBIDDEN_CHARACTER', 'NAME_FORBIDDEN_CHARACTER']);
    });
  }

  it('FAULTS 23: names that only look like a way out are names', () => {
    for (const path of ['...', '..a', 'a..', '.hidden', 'a/...b', '~', '-rf', '%2e%2e%2fx', 'C:x'])
      expect(check(path), path).to.equal('ok');
  });

  const notUtf8: Record<string, number[]> = {
    'a lone continuation byte': [0x61, 0x80],
    'a truncated sequence': [0x61, 0xe2, 0x82],
    'Latin-1': [0x66, 0xfc, 0x72],
    'an overlong slash': [0x61, 0xc0, 0xaf, 0x62],
    'an overlong dot': [0xe0, 0x80, 0xae],
    'a lone high surrogate': [0xed, 0xa0, 0x80],
    'a surrogate pair (CESU-8)': [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80],
    'a value above U+10FFFF': [0xf4, 0x90, 0x80, 0x80],
    'the byte FF': [0xff],
  };
  for (const [what, bytes] of Object.entries(notUtf8)) {
    it(`FAULTS 24: refuses ${what} as not UTF-8`, () => {
      expect(both(Uint8Array.from(bytes))).to.deep.equal(['NAME_NOT_UTF8', 'NAME_NOT_UTF8']);
    });
  }

  it('FAULTS 24: refuses every control, direction and shapeless character, wherever it stands', () => {
    const ranges = [
      [0x00, 0x1f],
      [0x7f, 0x9f],
      [0x61c, 0x61c],
      [0x180e, 0x180e],
      [0x200b, 0x200b],
      [0x200e, 0x200f],
      [0x2028, 0x202e],
      [0x2060, 0x206f],
      [0x3164, 0x3164],
      [0xfeff, 0xfeff],
      [0xffa0, 0xffa0],
      [0xfff9, 0xfffb],
      [0xe0000, 0xe007f],
    ];
    for (const [from, to] of ranges) {
      for (let code = from!; code <= to!; code++) {
        const character = String.fromCodePoint(code);
        for (const path of [`${character}a`, `a${character}`, `d/a${character}b/c`]) {
          expect(check(path), `U+${code.toString(16)}`).to.equal('NAME_FORBIDDEN_CHARACTER');
        }
      }
    }
  });

  it('FAULTS 24: what honest names need passes: joiners, soft hyphen, variation selectors, flags', () => {
    const england = '\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}';
    for (const path of [
      'نامه\u200cها.txt',
      'क्\u200dष',
      '👩\u200d🔬.png',
      'a\u00adb',
      '❤\ufe0f',
      `${england}.svg`,
      'e\u0301',
    ])
      expect(both(path), path).to.deep.equal(['ok', 'ok']);
  });

  it('FAULTS 24: a tag character outside of a flag does not pass', () => {
    expect(check('a\u{e0067}\u{e007f}')).to.equal('NAME_FORBIDDEN_CHARACTER');
  });

  it('FAULTS 26: lengths at the limit pass, one more does not', () => {
    const part = 'x'.repeat(LIMITS.pathPartMaxBytes);
    expect(check(part)).to.equal('ok');
    expect(check(`${part}x`)).to.equal('NAME_TOO_LONG');
    expect(check('é'.repeat(127))).to.equal('ok');
    expect(check('é'.repeat(128))).to.equal('NAME_TOO_LONG');
    const long = `${`${part}/`.repeat(15)}${'x'.repeat(LIMITS.pathMaxBytes - 15 * 256)}`;
    expect(check(long)).to.equal('NAME_TOO_LONG'); // its last part has 256 bytes
    expect(check(`${long.slice(0, -2)}/x`.slice(0, LIMITS.pathMaxBytes))).to.equal('ok');
    expect(check(new Uint8Array(LIMITS.pathMaxBytes + 1).fill(0x61))).to.equal('NAME_TOO_LONG');
    const deep = Array.from({ length: LIMITS.pathMaxDepth }, () => 'd').join('/');
    expect(check(deep)).to.equal('ok');
    expect(check(`${deep}/d`)).to.equal('NAME_TOO_LONG');
  });

  const notPortable =
    'a<b|a>b|a:b|"a"|a?|*|CON|con|Con.txt|PRN|aux.tar.gz|NUL|nul .txt|COM0|COM1|com9.log|LPT3|COM¹|lpt².x|CONIN$|conout$|CLOCK$|a.|a |dir./x|x/dir /y'
      .split('|')
      .concat('a|b', 'x'.repeat(LIMITS.pathPortableMaxUnits + 1));
  for (const path of notPortable) {
    it(`FAULTS 26: ${JSON.stringify(path.slice(0, 20))} is for posix only`, () => {
      const text = path.length > 255 ? path.slice(0, 255) : path;
      expect(both(text)).to.deep.equal(['ok', 'NAME_NOT_PORTABLE']);
    });
  }

  it('FAULTS 26: names that only resemble devices are portable', () => {
    for (const path of ['CONS', 'console.log', 'COM10', 'LPT', 'nulls', ' a', 'a.b', '.con', 'aux1', 'x/conf'])
      expect(check(path, 'portable'), path).to.equal('ok');
  });

  it('property: what passes is exactly its bytes, and no part leads anywhere', () => {
    const anyPath = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.string({ unit: 'binary', maxLength: 40 }).map((text) => Buffer.from(text)),
      fc
        .array(fc.constantFrom('a', '.', '/', '..', ' ', 'é', '\u202e', '\0', '\\'), { maxLength: 12 })
        .map((parts) => Buffer.from(parts.join(''))),
    );
    fc.assert(
      fc.property(anyPath, fc.constantFrom<NamesProfile>('posix', 'portable'), (bytes, profile) => {
        const result = checkPath(bytes, profile);
        if (!result.ok) {
          expect(result.detail).not.to.match(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/);
          return;
        }
        expect(Buffer.from(result.path)).to.deep.equal(Buffer.from(bytes));
        expect(result.parts.join('/')).to.equal(result.path);
        for (const part of result.parts) expect(['', '.', '..']).not.to.include(part);
        if (profile === 'portable') expect(checkPath(bytes, 'posix').ok).to.equal(true);
      }),
      { seed: 23, numRuns: 1000 },
    );
  });
});
