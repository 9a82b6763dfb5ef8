/** A storage, a payload and the request to publish an object out of it. */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { ExtractRequest } from '../../egress/release/extract.js';
import type { PublishRequest } from '../../egress/release/publish.js';
import { newFolder } from './folders.js';

export interface ReleaseBench {
  readonly storage: string;
  readonly spool: string;
  readonly extraction: ExtractRequest & { readonly staged: string };
  readonly request: PublishRequest;
}

/** The object lies in the middle of a payload. `under` puts the storage on another file system. */
export function newRelease(path = 'd/report.pdf', content = 'the object', under?: string): ReleaseBench {
  const base = newFolder();
  const spool = join(base, 'spool');
  fs.mkdirSync(spool);
  const storage = under ? newFolder(under) : join(base, 'storage');
  fs.mkdirSync(storage, { recursive: true });
  const bytes = Buffer.from(content);
  const payload = join(spool, 'payload');
  fs.writeFileSync(payload, Buffer.concat([Buffer.from('before'), bytes, Buffer.from('after')]));
  const sha256 = createHash('sha256').update(bytes).digest();
  const staged = join(spool, 'a1b2c3');
  const common = { staged, sizeBytes: bytes.length, sha256 };
  return {
    storage,
    spool,
    extraction: { ...common, payload, offsetBytes: 6 },
    request: {
      ...common,
      storageRoot: storage,
      tenant: 'demo',
      parts: path.split('/'),
      transfer: 'a1b2c3',
      mtimeNs: 1_700_000_000_123_456_789n,
    },
  };
}
