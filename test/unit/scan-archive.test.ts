/** ZIP archives made by the test: what is counted, what is recorded, and what ends at a limit. */
import { deflateRawSync, gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { inspect, pipelineOf } from '../../ingress/scan/pipeline.js';
import { parsePolicy } from '../../ingress/scan/policy.js';
import { SpoolFiles } from '../../ingress/scan/subject.js';
import { Prng } from '../../shared/core/prng.js';
import { type TestEntry, type TestSpool, testSpool, zip } from './scan-files.js';

const MiB = 1024 * 1024;
const text = (words: string) => Buffer.from(words);
const random = (bytes: number) => Buffer.from(new Prng(3).fill(new Uint8Array(bytes)));

describe('scan archive', () => {
  let spool: TestSpool;
  const files = new SpoolFiles();
  before(() => {
    spool = testSpool();
  });
  after(() => {
    files.close();
    spool.remove();
  });
  const scan = async (bytes: Uint8Array, policy: object = {}) => {
    const pipeline = pipelineOf(parsePolicy({ name: 'test', ...policy }, 'test'));
    const verdict = await inspect(pipeline, spool.pack([['a.bin', bytes]])[0]!, files);
    return {
      verdict: verdict.verdict,
      found: verdict.findings.map(({ code, where }) => (where === '' ? code : `${code} ${where}`)),
      details: verdict.findings.map((finding) => finding.detail),
    };
  };
  const scanEntries = (entries: TestEntry[], policy: object = {}) => scan(zip(entries), policy);

  it('passes clean archives: stored, deflated, large entries, folders, none at all', async () => {
    const entries: TestEntry[] = [
      { name: 'folder/' },
      { name: 'folder/small.txt', data: text('small') },
      { name: 'stored.bin', data: random(300_000), method: 0 },
      { name: 'large.bin', data: random(3 * MiB) },
      { name: 'empty.txt' },
      { name: 'mode.txt', data: text('x'), mode: 0o100644 },
    ];
    expect(await scanEntries(entries))
      .to.include({ verdict: 'pass' })
      .and.have.property('found').that.is.empty;
    expect(await scan(zip([])))
      .to.include({ verdict: 'pass' })
      .and.have.property('found').that.is.empty;
  });

  const recorded: [string, TestEntry, string][] = [
    ['an encrypted entry', { name: 'secret', data: text('x'), flags: 1 }, 'SCAN_ARCHIVE_ENCRYPTED secret'],
    ['an unknown method', { name: 'old', data: text('x'), method: 14 }, 'SCAN_ARCHIVE_METHOD old'],
    ['a way out of the folder', { name: '../../etc/passwd', data: text('x') }, 'SCAN_ARCHIVE_NAME ../../etc/passwd'],
    ['an absolute name', { name: '/etc/passwd', data: text('x') }, 'SCAN_ARCHIVE_NAME /etc/passwd'],
    ['a backslash', { name: 'a\\b', data: text('x') }, 'SCAN_ARCHIVE_NAME a\\\\b'],
    ['a name without a name', { name: '', data: text('x') }, 'SCAN_ARCHIVE_NAME'],
    ['a terminal sequence, shown escaped', { name: 'a\u001b[2J', data: text('x') }, 'SCAN_ARCHIVE_NAME a\\u{1b}[2J'],
    ['a symbolic link', { name: 'link', data: text('/etc'), mode: 0o120777 }, 'SCAN_ARCHIVE_LINK link'],
    ['a device', { name: 'null', mode: 0o020666 }, 'SCAN_ARCHIVE_LINK null'],
    ['an archive inside', { name: 'inner', data: zip([{ name: 'x' }]) }, 'SCAN_ARCHIVE_NESTED inner'],
    ['a gzip inside', { name: 'inner', data: gzipSync(text('x')) }, 'SCAN_ARCHIVE_NESTED inner'],
    [
      'a tar inside',
      { name: 'inner', data: Buffer.concat([Buffer.alloc(257, 'n'), text('ustar\0')]) },
      'SCAN_ARCHIVE_NESTED inner',
    ],
    ['a wrong checksum', { name: 'bad', data: text('x'), crc: 1 }, 'SCAN_ARCHIVE_DAMAGED bad'],
    ['a size that is too small', { name: 'bad', data: text('xyz'), size: 2 }, 'SCAN_ARCHIVE_DAMAGED bad'],
    ['a size that is too large', { name: 'bad', data: text('xyz'), size: 5 * MiB }, 'SCAN_ARCHIVE_DAMAGED bad'],
    [
      'data that does not inflate',
      { name: 'bad', data: text('x'), raw: Buffer.alloc(20, 255) },
      'SCAN_ARCHIVE_DAMAGED bad',
    ],
    [
      'a large entry that breaks off',
      { name: 'bad', data: random(2 * MiB), raw: deflateRawSync(random(2 * MiB)).subarray(0, MiB) },
      'SCAN_ARCHIVE_DAMAGED bad',
    ],
    [
      '__proto__, which is a name like any other',
      { name: '__proto__', data: text('x'), crc: 1 },
      'SCAN_ARCHIVE_DAMAGED __proto__',
    ],
  ];
  for (const [title, entry, finding] of recorded) {
    it(`records ${title}, reads on, and refuses it where the policy says so`, async () => {
      const entries = [{ name: 'first', data: text('1') }, entry, { name: 'last', data: text('2'), crc: 5 }];
      const open = await scanEntries(entries);
      expect(open.verdict).to.equal('pass');
      expect(open.found).to.deep.equal([finding, 'SCAN_ARCHIVE_DAMAGED last']);
      const [code] = finding.split(' ');
      expect((await scanEntries(entries.slice(0, 2), { refuse: [code] })).verdict).to.equal('refuse');
      expect((await scanEntries(entries.slice(0, 1), { refuse: [code] })).verdict).to.equal('pass');
    });
  }

  it('records what is no archive although it begins like one', async () => {
    const good = zip([{ name: 'a', data: text('a') }]);
    const zip64Lie = (offset: bigint) => {
      const bytes = Buffer.concat([
        good.subarray(0, good.length - 22),
        Buffer.alloc(20),
        good.subarray(good.length - 22),
      ]);
      bytes.write('PK\x06\x07', bytes.length - 42, 'latin1');
      bytes.writeBigUInt64LE(offset, bytes.length - 34);
      bytes.writeUInt32LE(0xffffffff, bytes.length - 6);
      return bytes;
    };
    const damaged = [
      text('PK\x03\x04'),
      good.subarray(0, good.length - 1),
      good.subarray(0, 20),
      zip([{ name: 'a' }], { entries: 2 }),
      zip([{ name: 'a' }], { directoryAt: 0 }),
      zip([{ name: 'a' }], { directoryAt: 0xfffffff0 }),
      zip([{ name: 'a' }], { entries: 0xffff }),
      zip64Lie(0n),
      zip64Lie(2n ** 63n),
      Buffer.concat([good.subarray(0, 40), random(200), good.subarray(good.length - 22)]),
    ];
    for (const [i, bytes] of damaged.entries()) {
      const open = await scan(bytes);
      expect(open, `case ${i}`).to.deep.include({ verdict: 'pass', found: ['SCAN_ARCHIVE_DAMAGED'] });
    }
    expect((await scan(damaged[0]!, { refuse: ['SCAN_ARCHIVE_DAMAGED'] })).verdict).to.equal('refuse');
  });

  it('finds its end behind a comment, and reads ZIP64', async () => {
    const plain = zip([{ name: 'a', data: text('a') }]);
    plain.writeUInt16LE(3000, plain.length - 2);
    expect((await scan(Buffer.concat([plain, Buffer.alloc(3000, 'c')]))).found).to.be.empty;

    const good = zip([{ name: 'a', data: text('a') }]);
    const end = good.length - 22;
    const record = Buffer.alloc(56 + 20);
    record.write('PK\x06\x06', 0, 'latin1');
    record.writeBigUInt64LE(1n, 24);
    record.writeBigUInt64LE(1n, 32);
    record.writeBigUInt64LE(BigInt(good.readUInt32LE(end + 12)), 40);
    record.writeBigUInt64LE(BigInt(good.readUInt32LE(end + 16)), 48);
    record.write('PK\x06\x07', 56, 'latin1');
    record.writeBigUInt64LE(BigInt(end), 64);
    const last = Buffer.from(good.subarray(end));
    last.writeUInt32LE(0xffffffff, 16);
    expect((await scan(Buffer.concat([good.subarray(0, end), record, last]))).found).to.be.empty;
  });

  it('FAULTS 34: a bomb ends at the inflated bytes that are allowed, whatever it claims', async () => {
    const zeros = deflateRawSync(Buffer.alloc(64 * MiB));
    const limits = { inflatedFloor: '2MiB', maxRatio: 10 };
    const bombs: TestEntry[][] = [
      [{ name: 'honest', raw: zeros, size: 64 * MiB }],
      [{ name: 'says it is small', raw: zeros, size: 10 }],
      Array.from({ length: 40 }, (_, i) => ({ name: `${i}`, data: Buffer.alloc(100_000) })),
      [
        { name: 'after an innocent one', data: text('x') },
        { name: 'b', raw: zeros, size: 1 },
      ],
    ];
    for (const bomb of bombs) {
      const startedMs = performance.now();
      expect(await scanEntries(bomb, { archive: limits })).to.deep.include({
        verdict: 'refuse',
        found: ['SCAN_ARCHIVE_LIMIT'],
      });
      expect(performance.now() - startedMs).to.be.below(1_000);
    }
    // The floor and the ratio count for the archive as a whole; the cap stands above both.
    const data = Buffer.alloc(MiB);
    expect((await scanEntries([{ name: 'a', data }], { archive: limits })).verdict).to.equal('pass');
    const large = [{ name: 'a', data: random(3 * MiB) }];
    expect((await scanEntries(large, { archive: limits })).verdict).to.equal('pass');
    expect((await scanEntries(large, { archive: { ...limits, maxInflated: '2MiB' } })).verdict).to.equal('refuse');
  });

  it('FAULTS 34, 39: ends at the number of entries, really there or only claimed', async () => {
    const entries = Array.from({ length: 11 }, (_, i) => ({ name: `${i}`, data: text('x') }));
    expect((await scanEntries(entries, { archive: { maxEntries: 11 } })).verdict).to.equal('pass');
    const refused = await scanEntries(entries, { archive: { maxEntries: 10 } });
    expect(refused).to.deep.include({ verdict: 'refuse', found: ['SCAN_ARCHIVE_LIMIT'] });
  });

  it('keeps a bounded number of findings, and the reason for a refusal among them', async () => {
    const entries: TestEntry[] = Array.from({ length: 300 }, (_, i) => ({ name: `../${i}`, data: text('x') }));
    entries.push({ name: 'link', mode: 0o120777 });
    const { verdict, found, details } = await scanEntries(entries, { refuse: ['SCAN_ARCHIVE_LINK'] });
    expect(verdict).to.equal('refuse');
    expect(found).to.have.length(65);
    expect(found.at(-1)).to.equal('SCAN_ARCHIVE_LINK link');
    expect(details.at(-1)).to.contain('and 236 more findings');
  });

  it('says of other containers that it did not open them', async () => {
    const open = await scan(gzipSync(text('x')));
    expect(open).to.deep.include({
      verdict: 'pass',
      found: ['SCAN_NOT_INSPECTED'],
      details: ['It is application/gzip.'],
    });
  });

  it('survives mutations of an archive without throwing or hanging', async () => {
    const good = zip([
      { name: 'a.txt', data: text('some text that deflates '.repeat(50)) },
      { name: 'b/', mode: 0o040755 },
      { name: 'b/c.bin', data: random(400), method: 0, mode: 0o100600 },
    ]);
    const prng = new Prng(99);
    for (let i = 0; i < 600; i++) {
      const bytes = Buffer.from(good);
      for (let n = prng.below(4); n >= 0; n--) bytes[4 + prng.below(bytes.length - 4)] = prng.below(256);
      const { verdict } = await scan(bytes.subarray(0, prng.below(4) ? bytes.length : prng.below(bytes.length)));
      expect(verdict, `mutation ${i}`).to.be.oneOf(['pass', 'refuse']);
    }
  });
});
