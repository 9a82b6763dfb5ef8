/** Facts of receipts for tests, each with what a test names. */
import type { HighFacts, LowFacts } from '../../shared/ops/receipts/facts.js';

/** 2026-11-22, 08:09:10 in Luxembourg. */
export const MORNING_MS = Date.UTC(2026, 10, 22, 7, 9, 10);

const OBJECT = {
  tenant: 'town',
  transfer: '0123456789abcdef0123456789abcdef',
  sequence: 17,
  sinceMs: MORNING_MS,
  seenMs: MORNING_MS,
  name: 'dossier/report.pdf',
  sizeBytes: 1_398_101,
  sha256: 'ab'.repeat(32),
  code: null,
  detail: '',
};

export const lowFacts = (changes: Partial<LowFacts> = {}): LowFacts => ({
  ...OBJECT,
  side: 'low',
  state: 'sent',
  findings: [],
  inQuarantine: false,
  original: 'moved',
  originalPath: 'dossier/report.pdf',
  estimate: { assumedLoss: 0.01, probability: 0.999_999 },
  againUntilMs: MORNING_MS + 86_400_000,
  ...changes,
});

export const highFacts = (changes: Partial<HighFacts> = {}): HighFacts => ({
  ...OBJECT,
  side: 'high',
  state: 'released',
  label: 'unclassified',
  publishedAs: 'dossier/report.pdf',
  sealedBy: '8c28314b976adbeb',
  sealedMs: MORNING_MS - 1_000,
  ...changes,
});

/** Names that have broken something somewhere (FAULTS 23, 24, 26, 63), and honest ones that look as if they could. */
export const ODD_NAMES: readonly string[] = [
  'plain.txt',
  'Évaluation de l’année – 2026 (v2).pdf',
  'Ærø/Łódź/ÑANDÚ.txt',
  '入札書.xlsx',
  'مذكرة.pdf',
  '👩‍👩‍👧.png',
  '../../etc/passwd',
  '..',
  '.',
  '...',
  '-rf',
  '--help',
  '.hidden',
  'con.txt',
  'NUL',
  'com1.tar.gz',
  'a\r\nSENT\r\nEverything is fine',
  '\u001b[2J\u001b]0;owned\u0007.pdf',
  'invoice\u202efdp.exe',
  '"},"state":"released","x":"',
  '<script>alert(1)</script>',
  '[click](http://example.org)',
  '$(reboot).txt',
  '`id`',
  "'; DROP TABLE objects; --",
  'a\u0000b',
  'tab\there',
  'x'.repeat(255),
  'é'.repeat(127),
  `${'y'.repeat(300)}.pdf`,
  'report.pdf--0123456789ab.txt',
  '   ',
  'trailing. ',
  'a\u2028b\u0085c',
  '\ud800lone',
];
