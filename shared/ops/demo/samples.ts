/**
 * Sample files for the live demo, made here so that nothing has to be shipped or fetched: letters, a PDF, a Word
 * document, a picture, an archive and a data set. Always the same bytes.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { crc32, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { Prng } from '../../core/prng.js';

/** Relative path -> content. */
export type Samples = ReadonlyMap<string, Uint8Array>;

export function samplesFor(tenant: 'finance' | 'registry'): Samples {
  const text = (content: string) => Buffer.from(content, 'utf8');
  if (tenant === 'finance') {
    return new Map<string, Uint8Array>([
      [
        'letters/2026-11 cover letter.txt',
        text('Madam, Sir,\n\nplease find enclosed the figures of the third quarter.\n'),
      ],
      ['reports/third-quarter.pdf', pdf('Third quarter: revenue and expenditure')],
      ['reports/minutes.docx', zip(docxParts('Minutes of the budget meeting'))],
      ['data/payments.csv', payments(40_000)],
    ]);
  }
  return new Map<string, Uint8Array>([
    [
      'notes/Übergabe — remise.md',
      text('# Handover\n\nThe register extract is in `extract.zip`, the map beside it.\n'),
    ],
    [
      'extract.zip',
      zip([
        ['extract/2026.csv', payments(5_000)],
        ['extract/README.txt', text('One line an entry.\n')],
      ]),
    ],
    ['map.png', picture(480, 320)],
    ['data/observations.ndjson.gz', gzipSync(observations(200_000), { level: 6 })],
    ['empty.txt', Buffer.alloc(0)],
  ]);
}

/** Writes samples the way people do: under a temporary name first, then renamed. */
export function writeSamples(folder: string, samples: Samples, rename: (from: string, to: string) => void): void {
  for (const [path, content] of samples) {
    const target = join(folder, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(`${target}.part`, content);
    rename(`${target}.part`, target);
  }
}

function payments(rows: number): Buffer {
  const random = new Prng(rows);
  const lines = ['date;account;amount;purpose'];
  for (let i = 0; i < rows; i++) {
    const day = String(1 + random.below(28)).padStart(2, '0');
    const account = `LU28 0019 ${String(random.below(10_000)).padStart(4, '0')} ${String(random.below(10_000)).padStart(4, '0')}`;
    lines.push(`2026-09-${day};${account};${(random.below(1_000_000) / 100).toFixed(2)};invoice ${100_000 + i}`);
  }
  return Buffer.from(`${lines.join('\n')}\n`);
}

function observations(rows: number): Buffer {
  const random = new Prng(7);
  const lines: string[] = [];
  for (let i = 0; i < rows; i++)
    lines.push(`{"station":${random.below(40)},"minute":${i},"value":${random.below(4096)}}`);
  return Buffer.from(`${lines.join('\n')}\n`);
}

/** A PDF of one page with one line of text (ISO 32000-1, section 7.5). */
function pdf(line: string): Buffer {
  const content = `BT /F1 18 Tf 72 760 Td (${line}) Tj ET`;
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>',
    `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
  ];
  let text = '%PDF-1.4\n';
  const offsets = objects.map((object, i) => {
    const offset = text.length;
    text += `${i + 1} 0 obj\n${object}\nendobj\n`;
    return offset;
  });
  const xref = text.length;
  const entries = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
  text += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${entries}`;
  text += `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${xref}\n%%EOF\n`;
  return Buffer.from(text, 'latin1');
}

function docxParts(line: string): [string, Uint8Array][] {
  const xml = (body: string) => Buffer.from(`<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n${body}`);
  const main = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml';
  const rels = 'http://schemas.openxmlformats.org/package/2006/relationships';
  return [
    [
      '[Content_Types].xml',
      xml(
        `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/word/document.xml" ContentType="${main}"/></Types>`,
      ),
    ],
    [
      '_rels/.rels',
      xml(
        `<Relationships xmlns="${rels}"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>`,
      ),
    ],
    [
      'word/document.xml',
      xml(
        `<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>${line}</w:t></w:r></w:p></w:body></w:document>`,
      ),
    ],
  ];
}

/** A ZIP archive, deflated, without timestamps (APPNOTE 6.3.10, sections 4.3.7 to 4.3.16). */
export function zip(entries: readonly (readonly [string, Uint8Array])[]): Buffer {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const [name, content] of entries) {
    const path = Buffer.from(name);
    const body = deflateRawSync(content);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(0x0800, 2);
    fields.writeUInt16LE(8, 4);
    fields.writeUInt16LE(0x0021, 8);
    fields.writeUInt32LE(crc32(content), 10);
    fields.writeUInt32LE(body.length, 14);
    fields.writeUInt32LE(content.length, 18);
    fields.writeUInt16LE(path.length, 22);
    const header = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), fields, path]);
    local.push(header, body);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    central.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x00', 'latin1'), fields, tail, path]));
    offset += header.length + body.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 0, 'latin1');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...local, directory, end]);
}

/** A PNG of soft hills (W3C PNG, third edition): true colour, one image block. */
function picture(width: number, height: number): Buffer {
  const rows = Buffer.alloc((width * 3 + 1) * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * (width * 3 + 1) + 1 + x * 3;
      const hill = y > height * (0.55 + 0.12 * Math.sin(x / 60) + 0.05 * Math.sin(x / 17));
      rows[at] = hill ? 60 + (y % 40) : 150 + (y >> 2);
      rows[at + 1] = hill ? 120 + (x % 30) : 190 + (y >> 3);
      rows[at + 2] = hill ? 70 : 235;
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const part = (type: string, body: Buffer) => {
    const named = Buffer.concat([Buffer.from(type, 'latin1'), body]);
    const out = Buffer.alloc(named.length + 8);
    out.writeUInt32BE(body.length, 0);
    named.copy(out, 4);
    out.writeUInt32BE(crc32(named), named.length + 4);
    return out;
  };
  const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
  return Buffer.concat([
    signature,
    part('IHDR', header),
    part('IDAT', deflateSync(rows)),
    part('IEND', Buffer.alloc(0)),
  ]);
}
