/** Releases objects of assembled payloads into the storages of their tenants, many at a time. */
import { closeSync, constants, fsyncSync, openSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fromHex } from '../../shared/core/bytes.js';
import { codeOf, SluiceError, wordsOf } from '../../shared/core/errors.js';
import { extract } from './extract.js';
import type { QuarantineOrder, ReleaseOrder, ReleaseResult } from './messages.js';
import { Publisher, type PublishRequest } from './publish.js';

const COPY_BYTES = 1024 * 1024;

export class Releaser {
  private readonly publisher = new Publisher();

  constructor(private readonly stagingDir: string) {}

  /** A failure concerns its own object only; if the folders cannot be made durable, none of the batch counts. */
  release(orders: readonly ReleaseOrder[]): ReleaseResult[] {
    const results = orders.map((order) => this.place(order));
    try {
      this.publisher.settle();
      return results;
    } catch (error) {
      return results.map((result) => (result.ok ? failure(result.transfer, error) : result));
    }
  }

  forget(orders: readonly ReleaseOrder[]): void {
    for (const order of orders) this.publisher.forgetStaged(this.request(order));
  }

  /** Copies out what an order names, without judging it, and notes why. Can be repeated. */
  quarantine(orders: readonly QuarantineOrder[]): void {
    for (const order of orders) {
      const { transfer, quarantineDir, parts, sizeBytes, sha256, code, detail } = order;
      copyRange(order, join(quarantineDir, `${transfer}.bytes`));
      const note = { transfer, tenant: order.tenantFolder, path: parts.join('/'), sizeBytes, sha256, code, detail };
      writeFileSync(join(quarantineDir, `${transfer}.json`), `${JSON.stringify(note, null, 2)}\n`, { mode: 0o600 });
    }
  }

  private place(order: ReleaseOrder): ReleaseResult {
    const { transfer } = order;
    try {
      const request = this.request(order);
      if (!order.whole) {
        const { payloadFile: payload, offset: offsetBytes } = order;
        extract({ payload, offsetBytes, sizeBytes: request.sizeBytes, sha256: request.sha256, staged: request.staged });
      }
      const { publishedAs, version } = this.publisher.place(request);
      return { transfer, ok: true, publishedAs, version };
    } catch (error) {
      return failure(transfer, error);
    }
  }

  private request(order: ReleaseOrder): PublishRequest {
    const sha256 = fromHex(order.sha256);
    if (!sha256) throw new SluiceError('INTERNAL', 'The digest of a release is not hexadecimal.');
    return {
      storageRoot: order.storageRoot,
      tenant: order.tenantFolder,
      parts: order.parts,
      // Every block of a whole payload was checked against its signed digest when it was written there.
      staged: order.whole ? order.payloadFile : join(this.stagingDir, order.transfer),
      sizeBytes: order.sizeBytes,
      sha256,
      mtimeNs: order.mtimeNs,
    };
  }
}

function failure(transfer: string, error: unknown): ReleaseResult {
  return {
    transfer,
    ok: false,
    code: codeOf(error),
    detail: error instanceof SluiceError ? error.detail : wordsOf(error),
  };
}

function copyRange(order: ReleaseOrder, to: string): void {
  const source = openSync(order.payloadFile, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
  const target = openSync(to, 'w', 0o600);
  try {
    const buffer = Buffer.allocUnsafe(Math.max(1, Math.min(COPY_BYTES, order.sizeBytes)));
    for (let done = 0; done < order.sizeBytes; ) {
      const got = readSync(source, buffer, 0, Math.min(buffer.length, order.sizeBytes - done), order.offset + done);
      if (got === 0) break; // The payload is shorter than its manifest says; what there is is kept.
      writeSync(target, buffer, 0, got);
      done += got;
    }
    fsyncSync(target);
  } finally {
    closeSync(source);
    closeSync(target);
  }
}
