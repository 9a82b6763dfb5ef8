/** What receipts say and how they are called: languages, names, times, odds (shared/ops/receipts). */
import { expect } from 'chai';
import fc from 'fast-check';
import { ERRORS } from '../../shared/core/errors.js';
import { arrivalProbability, atMostLost } from '../../shared/link/arrival.js';
import { documentOf } from '../../shared/ops/receipts/document.js';
import type { LowFacts } from '../../shared/ops/receipts/facts.js';
import { LocalTime } from '../../shared/ops/receipts/localTime.js';
import { isReceiptName, placeOf, safeName } from '../../shared/ops/receipts/place.js';
import { oddsOf, textOf } from '../../shared/ops/receipts/text.js';
import { codesOfObjects, LANGUAGES } from '../../shared/ops/receipts/words/catalogue.js';
import { ENGLISH } from '../../shared/ops/receipts/words/english.js';
import { FRENCH } from '../../shared/ops/receipts/words/french.js';
import { checkPath, showName } from '../../shared/wire/names.js';
import { highFacts, lowFacts, MORNING_MS, ODD_NAMES } from '../support/receipts.js';

const HERE = new LocalTime('Europe/Luxembourg');
/** Whatever acts on a terminal, turns a line or begins a new one; the text's own line ends are allowed for. */
const ACTING = /(?![\n\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

describe('receipts: words', () => {
  it('every code an object can be held, refused or quarantined with has words in every language', () => {
    const codes = codesOfObjects();
    expect(codes).to.include.members(['SCAN_ARCHIVE_ENCRYPTED', 'NAME_COLLISION', 'TRANSFER_INCOMPLETE']);
    for (const { tag, codes: words } of LANGUAGES) {
      const missing = codes.filter((code) => !words[code]?.what || !words[code]?.todo);
      expect(missing, `without words in "${tag}"; or no object can have it: catalogue.ts`).to.deep.equal([]);
    }
    const unknown = Object.keys(FRENCH.codes).filter((code) => !Object.hasOwn(ERRORS, code));
    expect(unknown, 'words for codes that are none').to.deep.equal([]);
  });

  it('French is French: no sentence is the English one', () => {
    for (const code of codesOfObjects()) {
      expect(FRENCH.codes[code]!.what, code).not.to.equal(ENGLISH.codes[code]!.what);
      expect(FRENCH.codes[code]!.todo, code).not.to.equal(ENGLISH.codes[code]!.todo);
    }
  });

  it('nothing on the low side claims that something was delivered or has arrived', () => {
    const states = ['taken', 'sealed', 'sending', 'sent', 'held', 'refused'] as const;
    const originals = ['moved', 'deleted', 'kept', 'changed', 'gone', 'stays', null] as const;
    for (const state of states) {
      for (const original of originals) {
        const text = textOf(lowFacts({ state, original, code: 'SCAN_UNAVAILABLE' }), HERE);
        expect(text).not.to.match(/deliver|arrived|livré|\barrivé|remis\b|reçu/i);
      }
    }
    expect(textOf(lowFacts(), HERE))
      .to.match(/Nobody on this side can know/)
      .and.match(/Personne de ce côté ne peut savoir/);
    expect(JSON.parse(documentOf(lowFacts())).arrival).to.include({ known: false, assumedLoss: 0.01 });
  });

  it('what is not likely to be complete is not said to be expected', () => {
    const text = (probability: number) => textOf(lowFacts({ estimate: { assumedLoss: 0.1, probability } }), HERE);
    expect(text(0.999)).to.include('It is expected to be complete').and.include("s'attendre à ce qu'il y soit complet");
    expect(text(0.9)).to.include('It may be incomplete there').and.include("qu'il y soit incomplet");
    expect(text(0.9)).to.include('90 in 100').and.include('90 fois sur 100').and.not.include('expected');
  });

  it('a refusal says what, where, what to do, and where the bytes are', () => {
    const findings = [
      { code: 'SCAN_ARCHIVE_ENCRYPTED', where: 'inner/secret.doc', detail: 'Flag bit 0 is set.', filter: 'archive' },
    ];
    const facts = lowFacts({ state: 'refused', code: 'SCAN_ARCHIVE_ENCRYPTED', findings, inQuarantine: true });
    const text = textOf(facts, HERE);
    for (const words of [ENGLISH, FRENCH]) {
      expect(text).to.include(words.codes.SCAN_ARCHIVE_ENCRYPTED!.what);
      expect(text).to.include(words.codes.SCAN_ARCHIVE_ENCRYPTED!.todo);
      expect(text).to.include(words.refusedKept).and.to.include(words.refusedStays);
    }
    expect(text.match(/inner\/secret\.doc/g)).to.have.length(2);
    const unread = textOf(lowFacts({ ...facts, findings: [], code: 'NAME_TOO_LONG', inQuarantine: false }), HERE);
    expect(unread).to.include(ENGLISH.refusedUnread).and.not.to.include(ENGLISH.refusedKept);
  });

  it('the particulars that are common are French in French; others are said to be English', () => {
    const french = (code: string, detail: string) =>
      textOf(lowFacts({ state: 'refused', code, detail }), HERE).split('FRANÇAIS')[1]!;
    const names = ['COM1.txt', 'a\\b', 'a:b', 'x.'].map((name) => checkPath(Buffer.from(name), 'portable'));
    for (const refused of names) {
      if (refused.ok) return expect.fail('it should be refused');
      expect(french(refused.code, refused.detail), refused.detail)
        .to.include('Précision : ')
        .and.not.include('anglais');
    }
    expect(french('INTAKE_NOT_REGULAR', 'It is a link.')).to.include("C'est un lien.");
    expect(french('INTAKE_TOO_LARGE', 'It has 2000000 bytes, 1000 are allowed.')).to.include('2 000 000 octets');
    expect(french('SCAN_TIMEOUT', 'Something else.')).to.include('Précision (en anglais) : Something else.');
  });

  it('a held file: since when, and whether its owner has to do anything', () => {
    const waiting = textOf(lowFacts({ state: 'held', code: 'SCAN_UNAVAILABLE' }), HERE);
    expect(waiting).to.include('2026-11-22 at 08:09:10').and.include('2026-11-22 à 08:09:10');
    expect(waiting).to.include(ENGLISH.heldWait).and.include(FRENCH.heldWait);
    const act = textOf(lowFacts({ state: 'held', code: 'INTAKE_UNREADABLE' }), HERE);
    expect(act).to.include(ENGLISH.heldAct).and.not.include(ENGLISH.heldWait);
  });

  it('quarantine on the high side tells nothing of what a check found', () => {
    const facts = highFacts({
      state: 'quarantined',
      code: 'VERIFY_VERDICT_MISSING',
      detail: 'It is that of "archive".',
    });
    expect(textOf(facts, HERE)).to.include('0123 4567 89ab').and.not.include('archive');
    const withheld = textOf(highFacts({ state: 'quarantined', code: 'VERIFY_LABEL_NOT_ALLOWED', name: '' }), HERE);
    expect(withheld).to.include(ENGLISH.nameWithheld);
  });

  it('a code nobody has words for still makes a receipt', () => {
    const text = textOf(lowFacts({ state: 'held', code: 'MADE_UP_TOMORROW', detail: 'x' }), HERE);
    expect(text).to.include(ENGLISH.unknownCode.what).and.include(FRENCH.unknownCode.what);
  });

  it('incomplete names the number to phone for; a version says that nothing was overwritten', () => {
    expect(textOf(highFacts({ state: 'incomplete', code: 'TRANSFER_INCOMPLETE' }), HERE)).to.include('number 17');
    const renamed = textOf(highFacts({ publishedAs: 'dossier/report.v2.pdf' }), HERE);
    expect(renamed).to.include(ENGLISH.renamed('dossier/report.pdf'));
    expect(textOf(highFacts(), HERE)).not.to.include(ENGLISH.renamed('dossier/report.pdf'));
  });

  it('sizes and counts as each language writes them', () => {
    expect(ENGLISH.size(0)).to.equal('0 bytes');
    expect(ENGLISH.size(1)).to.equal('1 byte');
    expect(ENGLISH.size(999_999)).to.equal('1 MB (999,999 bytes)');
    expect(ENGLISH.size(1_398_101)).to.equal('1.4 MB (1,398,101 bytes)');
    expect(FRENCH.size(1_398_101)).to.equal('1,4 Mo (1 398 101 octets)');
    expect(FRENCH.size(2 ** 50)).to.equal('1125,9 To (1 125 899 906 842 624 octets)');
  });
});

describe('receipts: hostile names', () => {
  const allFacts = (name: string) => [
    lowFacts({ name: showName(name), originalPath: showName(name), state: 'sent' }),
    lowFacts({ name: showName(name), state: 'refused', detail: name, code: 'SCAN_TIMEOUT' }),
    lowFacts({ name, state: 'held', detail: name, findings: [{ code: name, where: name, detail: name }] }),
    highFacts({ name: showName(name), publishedAs: showName(name), label: name }),
    highFacts({ name, state: 'incomplete' }),
  ];

  for (const name of ODD_NAMES) {
    it(`FAULTS 63: ${JSON.stringify(name).slice(0, 40)} does nothing to a text, a JSON or a folder`, () => {
      for (const facts of allFacts(name)) {
        const text = textOf(facts, HERE);
        expect(text).not.to.match(ACTING);
        const lines = textOf({ ...facts, ...HARMLESS } as LowFacts, HERE).split('\n').length;
        expect(text.split('\n').length, 'no line of its own').to.equal(lines);
        const document = documentOf(facts);
        expect(document).not.to.match(ACTING);
        expect(JSON.parse(document)).to.include({ state: facts.state, transfer: facts.transfer });
        const { stem } = placeOf(facts, HERE);
        expect(isReceiptName(`${stem}.txt`), stem).to.equal(true);
        expect(stem).to.match(/^[A-Za-z0-9_][A-Za-z0-9._-]*$/);
        expect(stem.length).to.be.at.most(120);
      }
    });
  }
  const HARMLESS = { name: 'x', originalPath: 'x', detail: 'x', label: 'x', publishedAs: 'x' };

  it('FAULTS 63: any text at all gives a name that every system can keep', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (name) => {
        const safe = safeName(name);
        expect(safe).to.match(/^[A-Za-z0-9_][A-Za-z0-9._-]*$/);
        expect(safe).not.to.match(/--|^(con|nul|aux|prn|com\d|lpt\d)(\.|$)/i);
        expect(isReceiptName(`${safe}--0123456789ab.json`)).to.equal(true);
      }),
      { seed: 7, numRuns: 500 },
    );
  });

  it('two objects of one name never share a receipt; on the high side not even when their ids were made to look alike', () => {
    const stem = (facts: Parameters<typeof placeOf>[0]) => placeOf(facts, HERE).stem;
    const alike = { transfer: '0123456789abcdef0123456789abcdee' };
    expect(stem(highFacts())).not.to.equal(stem(highFacts(alike)));
    expect(stem(lowFacts())).not.to.equal(stem(lowFacts({ transfer: 'f'.repeat(32) })));
    expect(stem(lowFacts({ name: 'a/report.pdf' }))).to.equal('report.pdf--0123456789ab');
  });

  it('knows its own names from others', () => {
    for (const name of [
      'report.pdf',
      'x--0123456789ab',
      'x--0123456789ag.txt',
      '--0123456789ab.txt',
      'é--0123456789ab.txt',
    ]) {
      expect(isReceiptName(name), name).to.equal(false);
    }
  });
});

describe('receipts: time and odds', () => {
  it('days are those of the place, also when clocks change', () => {
    expect(HERE.day(Date.UTC(2026, 10, 22, 22, 59, 59))).to.equal('2026-11-22');
    expect(HERE.day(Date.UTC(2026, 10, 22, 23, 0, 0))).to.equal('2026-11-23');
    expect(HERE.dayStartMs('2026-11-22')).to.equal(Date.UTC(2026, 10, 21, 23));
    // Summer time ends on 2026-10-25: that day has 25 hours; it began on 2026-03-29: 23.
    expect(HERE.dayStartMs('2026-10-26') - HERE.dayStartMs('2026-10-25')).to.equal(25 * 3_600_000);
    expect(HERE.dayStartMs('2026-03-30') - HERE.dayStartMs('2026-03-29')).to.equal(23 * 3_600_000);
    expect(new LocalTime('Pacific/Kiritimati').dayStartMs('2026-01-01')).to.equal(Date.UTC(2025, 11, 31, 10));
    expect(new LocalTime('Asia/Kathmandu').text(0)).to.deep.equal({
      day: '1970-01-01',
      clock: '05:30:00',
      offset: 'UTC+05:30',
    });
    expect(HERE.dayAfter('2026-12-31')).to.equal('2027-01-01');
    expect(HERE.dayAfter('2026-03-01', -1)).to.equal('2026-02-28');
  });

  it('the zone is said once, and again where summer time lies in between', () => {
    const text = textOf(lowFacts({ seenMs: Date.UTC(2026, 9, 1), sinceMs: MORNING_MS }), HERE);
    expect(text).to.include('Handed in on 2026-10-01 at 02:00:00 (UTC+02:00).');
    expect(text).to.include('Times are local (UTC+01:00).');
  });

  it('FAULTS 22: a clock that says anything makes no receipt impossible', () => {
    for (const ms of [Number.MAX_SAFE_INTEGER, -1e15, 8.64e15]) {
      const facts = highFacts({ sealedMs: ms });
      expect(textOf(facts, HERE)).to.be.a('string');
      expect(JSON.parse(documentOf(facts))).to.have.property('sealedAt');
    }
  });

  it('the tail of the binomial distribution, also where its terms are too small for a number', () => {
    expect(atMostLost(1, 0, 0.1)).to.be.closeTo(0.9, 1e-12);
    expect(atMostLost(10, 3, 0.2)).to.be.closeTo(0.879_126_118_4, 1e-9);
    expect(atMostLost(8_000, 4_000, 0.25)).to.be.closeTo(1, 1e-9);
    expect(atMostLost(8_000, 1_000, 0.25)).to.be.below(1e-100);
    expect([atMostLost(5, -1, 0.1), atMostLost(5, 2, 0), atMostLost(5, 2, 1)]).to.deep.equal([0, 1, 0]);
    const two = arrivalProbability([{ count: 2, needed: 10, symbols: 11 }], 0.05);
    expect(two).to.be.closeTo(atMostLost(11, 1, 0.05) ** 2, 1e-12);
  });

  it('is rounded down, and never better than the assumption is worth', () => {
    const odds = (probability: number) => oddsOf({ assumedLoss: 0.01, probability });
    expect(odds(1)).to.deep.equal({ of: 9_999, in: 10_000, more: true });
    expect(odds(0.9989)).to.deep.equal({ of: 998, in: 1_000, more: false });
    expect(odds(0.4567)).to.deep.equal({ of: 45, in: 100, more: false });
  });
});
