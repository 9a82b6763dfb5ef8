/** Type by content, and what a name's ending promises, through the whole pipeline. */
import { deflateSync, gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { supportedMimeTypes } from 'file-type';
import { keepsPromise, promisedTypes, promiseOf } from '../../ingress/scan/extensions.js';
import { EMPTY_TYPE, HTML_TYPE, SVG_TYPE, TEXT_TYPE, UNKNOWN_TYPE } from '../../ingress/scan/mediaType.js';
import { inspect, pipelineOf } from '../../ingress/scan/pipeline.js';
import { openPolicy, parsePolicy } from '../../ingress/scan/policy.js';
import { HEAD_BYTES, SpoolFiles } from '../../ingress/scan/subject.js';
import { verdictFrom } from '../../ingress/scan/verdictCheck.js';
import { Prng } from '../../shared/core/prng.js';
import { assertComplete } from '../../shared/wire/verdict.js';
import { type TestSpool, testSpool, zip } from './scan-files.js';

const random = (bytes: number) => Buffer.from(new Prng(7).fill(new Uint8Array(bytes)));
const text = (words: string) => Buffer.from(words);
const PDF = text('%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer << /Root 1 0 R >>\n%%EOF\n');

/** A picture of one pixel: signature, header, data, end; the checksums are not looked at. */
const PNG = Buffer.concat([
  Buffer.from('89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55', 'hex'),
  Buffer.from('0000000a49444154', 'hex'),
  deflateSync(Buffer.alloc(2)),
  Buffer.from('000000000000000049454e44ae426082', 'hex'),
]);
const CONTENT_TYPES = `<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
  <Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>`;
const DOCX = zip([
  { name: '[Content_Types].xml', data: text(CONTENT_TYPES) },
  { name: 'word/document.xml', data: text('<w:document/>') },
]);

describe('scan type', () => {
  let spool: TestSpool;
  const files = new SpoolFiles();
  before(() => {
    spool = testSpool();
  });
  after(() => {
    files.close();
    spool.remove();
  });
  const open = pipelineOf(openPolicy);
  const scan = (name: string, bytes: Uint8Array, pipeline = open) =>
    inspect(pipeline, spool.pack([[name, bytes]])[0]!, files);

  const types: [string, Uint8Array, string][] = [
    ['picture.png', PNG, 'image/png'],
    ['paper.pdf', PDF, 'application/pdf'],
    ['files.zip', zip([{ name: 'a.txt', data: text('a') }]), 'application/zip'],
    ['letter.docx', DOCX, 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'],
    ['log.gz', gzipSync(text('log')), 'application/gzip'],
    ['note.txt', text('Grüße aus Köln\n'), TEXT_TYPE],
    ['latin1.txt', Buffer.from('Grüße aus Köln\n', 'latin1'), TEXT_TYPE],
    ['utf16.txt', Buffer.from('\ufeffGrüße\r\n', 'utf16le'), TEXT_TYPE],
    ['table.csv', text('a;b\n1;2\n'), TEXT_TYPE],
    ['page.html', text('\ufeff <!DOCTYPE html><html><body>x</body></html>'), HTML_TYPE],
    ['drawing.svg', text('<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>'), SVG_TYPE],
    ['data.xml', text('<?xml version="1.0"?><a/>'), 'application/xml'],
    // Two letters of a signature make no picture, program or archive of a text.
    ['bmw.txt', text('BMW has sent the letter.'), TEXT_TYPE],
    ['mz.txt', text('MZ is the ending of Mozambique.'), TEXT_TYPE],
    ['bz.txt', text('BZh stands for something.'), TEXT_TYPE],
    ['empty.png', Buffer.alloc(0), EMPTY_TYPE],
    ['measurement.dat', random(5000), UNKNOWN_TYPE],
    ['zero.bin', Buffer.alloc(100), UNKNOWN_TYPE],
    [
      'text, then a zero byte far behind',
      Buffer.concat([Buffer.alloc(HEAD_BYTES * 6, 'text '), Buffer.alloc(1)]),
      UNKNOWN_TYPE,
    ],
  ];
  for (const [name, bytes, type] of types) {
    it(`finds ${type} in ${name} and nothing to object to`, async () => {
      const verdict = await scan(name, bytes);
      expect(verdict).to.include({ type, verdict: 'pass' });
      const beside = verdict.findings.filter((finding) => finding.code !== 'SCAN_NOT_INSPECTED');
      expect(beside).to.deep.equal([]);
    });
  }

  it('records a name that promises another type, and refuses it only where the policy says so', async () => {
    const pretenders: [string, Uint8Array][] = [
      ['holiday.JPG', PNG],
      ['invoice.pdf', text('MZ'.padEnd(64, '\x00'))],
      ['notes.txt', PDF],
      ['data/report.docx', text('just text')],
      ['picture.png', random(100)],
    ];
    const strict = pipelineOf(parsePolicy({ name: 'strict', refuse: ['TYPE_EXTENSION_MISMATCH'] }, 'test'));
    for (const [name, bytes] of pretenders) {
      const recorded = await scan(name, bytes);
      expect(
        recorded.findings.map((finding) => finding.code),
        name,
      ).to.deep.equal(['TYPE_EXTENSION_MISMATCH']);
      expect(recorded.verdict, name).to.equal('pass');
      expect((await scan(name, bytes, strict)).verdict, name).to.equal('refuse');
    }
  });

  it('refuses types that the policy does not allow, and names what it found', async () => {
    const pictures = pipelineOf(parsePolicy({ name: 'pictures', allowedTypes: ['image/*'] }, 'test'));
    expect((await scan('a.png', PNG, pictures)).verdict).to.equal('pass');
    const refused = await scan('a.pdf', PDF, pictures);
    expect(refused.verdict).to.equal('refuse');
    expect(refused.findings[0]).to.include({ code: 'SCAN_TYPE_NOT_ALLOWED', detail: 'It is application/pdf.' });
  });

  it('knows only promises that some detection can keep', () => {
    const own = [TEXT_TYPE, HTML_TYPE, SVG_TYPE, EMPTY_TYPE, UNKNOWN_TYPE];
    const known = [...own, ...[...supportedMimeTypes].map((type) => type.replace(/;.*/, '').toLowerCase())];
    const never = promisedTypes().filter((type) => !known.some((one) => keepsPromise([type], one)));
    expect(never).to.deep.equal([]);
    // And every type that may be found has the form that the scanner accepts.
    for (const type of known) verdictFrom({ type, verdict: 'hold', filters: [], findings: [], ms: 0 });
  });

  it('reads endings as people do', () => {
    expect(promiseOf('a/b.c/readme')).to.equal(undefined);
    expect(promiseOf('.gz')).to.equal(undefined);
    expect(promiseOf('backup.tar.GZ')?.extension).to.equal('gz');
    expect(promiseOf('a.constructor')).to.equal(undefined);
  });

  it('proves which bytes it saw: a range of a pack, small or larger than its buffers', async () => {
    const snapshots = spool.pack([
      ['one', random(10)],
      ['two', Buffer.alloc(3 * 1024 * 1024 + 5, 'line of text\n')],
      ['three', PNG],
    ]);
    for (const snapshot of snapshots) {
      const verdict = await inspect(open, snapshot, files);
      assertComplete(openPolicy, verdict, snapshot.sha256);
      expect(verdict.filters.map((filter) => filter.name)).to.deep.equal(['type', 'archive']);
    }
  });

  it('FAULTS 30, 50: holds an object whose private copy is gone, cut or not what was taken', async () => {
    const [small, large] = spool.pack([
      ['small', random(100)],
      ['large', random(2 * 1024 * 1024)],
    ]);
    const broken = [
      { ...small!, sha256: '0'.repeat(64) },
      { ...large!, sha256: '0'.repeat(64) },
      { ...small!, size: 8 * 1024 * 1024 },
      { ...large!, offset: large!.offset + 1_000_000 },
      { ...small!, file: `${spool.dir}/none` },
      { ...small!, file: spool.dir },
    ];
    for (const snapshot of broken) {
      const verdict = await inspect(open, snapshot, files);
      expect(verdict).to.include({ verdict: 'hold' });
      expect(verdict.findings[0]).to.include({ code: 'SPOOL_IO', filter: 'scanner' });
      expect(verdict.filters).to.deep.equal([]);
    }
  });

  it('names the configuration of a filter by its digest: equal policies, equal digests', async () => {
    const digests = async (value: object) => {
      const verdict = await scan('a', PNG, pipelineOf(parsePolicy({ name: 'x', ...value }, 'test')));
      return verdict.filters.map((filter) => filter.configDigest);
    };
    const plain = await digests({});
    expect(await digests({ archive: { maxRatio: 200, maxEntries: 100_000 } })).to.deep.equal(plain);
    const other = await digests({ archive: { maxEntries: 5 } });
    expect(other[0]).to.equal(plain[0]);
    expect(other[1]).not.to.equal(plain[1]);
  });
});
