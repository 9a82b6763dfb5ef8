/** Releases objects of assembled payloads into the storages of their tenants, many at a time. */
import { existsSync, lstatSync } from 'node:fs';
import { join } from 'node:path';
import { fromHex } from '../../shared/core/bytes.js';
import { codeOf, SluiceError, wordsOf } from '../../shared/core/errors.js';
import { copyRange, writeDurably } from '../../shared/ops/files/durableFiles.js';
import { extract, releaseError } from './extract.js';
import type { FolderOrder, QuarantineOrder, ReleaseOrder, ReleaseResult } from './messages.js';
import { Publisher, type PublishRequest } from './publish.js';
import { type FolderMember, FolderPublisher, type FolderRequest } from './publishFolder.js';
import { namesOfStaged } from './stagedFile.js';

export class Releaser {
  private readonly publisher = new Publisher();

  private readonly folders: FolderPublisher;

  constructor(private readonly stagingDir: string) {
    this.folders = new FolderPublisher(stagingDir);
  }

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

  beginFolder(folder: FolderOrder): boolean {
    return this.folders.begin(folderRequest(folder));
  }

  addToFolder(folder: FolderOrder, orders: readonly ReleaseOrder[]): ReturnType<typeof failureOf> | null {
    for (const order of orders) {
      try {
        this.folders.add(folderRequest(folder), memberOf(order, folder.parts.length));
      } catch (error) {
        return failureOf(order.transfer, error);
      }
    }
    return null;
  }

  publishFolder(folder: FolderOrder): { publishedAs: string; isMissing: boolean } {
    return this.folders.publish(folderRequest(folder));
  }

  forgetFolder(folder: FolderOrder): void {
    this.folders.forget(folderRequest(folder));
  }

  /**
   * Copies out what an order names, without judging it, and notes why; afterwards both are there for good. Can be
   * repeated. Throws STORAGE_FULL, SPOOL_IO, RELEASE_IO.
   */
  quarantine(orders: readonly QuarantineOrder[]): void {
    for (const order of orders) {
      const { transfer, tenant, path, quarantineDir, sizeBytes, sha256, code, detail } = order;
      keepBytes(order, join(quarantineDir, `${transfer}.bytes`));
      const note = { transfer, tenant, path, sizeBytes, sha256, code, detail };
      writeDurably(join(quarantineDir, `${transfer}.json`), Buffer.from(`${JSON.stringify(note, null, 2)}\n`));
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
    return {
      storageRoot: order.storageRoot,
      tenant: order.tenantFolder,
      parts: order.parts,
      transfer: order.transfer,
      // Every block of a whole payload was checked against its signed digest when it was written there.
      staged: order.whole ? order.payloadFile : join(this.stagingDir, order.transfer),
      sizeBytes: order.sizeBytes,
      sha256: digestOf(order),
      mtimeNs: order.mtimeNs,
    };
  }
}

function digestOf(order: ReleaseOrder): Uint8Array {
  const sha256 = fromHex(order.sha256);
  if (!sha256) throw new SluiceError('INTERNAL', 'The digest of a release is not hexadecimal.');
  return sha256;
}

const folderRequest = ({ tenantFolder: tenant, ...same }: FolderOrder): FolderRequest => ({ ...same, tenant });

/** @param depth parts of the folder's path */
function memberOf(order: ReleaseOrder, depth: number): FolderMember {
  const { payloadFile: payload, offset: offsetBytes, sizeBytes, mtimeNs, whole } = order;
  return { parts: order.parts.slice(depth), payload, offsetBytes, sizeBytes, sha256: digestOf(order), mtimeNs, whole };
}

const failure = (transfer: string, error: unknown): ReleaseResult => ({ ok: false, ...failureOf(transfer, error) });

function failureOf(transfer: string, error: unknown): { transfer: string; code: string; detail: string } {
  return {
    transfer,
    code: codeOf(error),
    detail: error instanceof SluiceError ? error.detail : wordsOf(error),
  };
}

/** Where the payload is shorter than its manifest says, what there is. */
function keepBytes({ payloadFile, offset, sizeBytes }: ReleaseOrder, to: string): void {
  try {
    // A whole payload is its own staged file, and may have got another name as that.
    const source =
      namesOfStaged(payloadFile)
        .find((name) => existsSync(name))
        ?.toString() ?? payloadFile;
    const there = Math.max(0, lstatSync(source).size - offset);
    copyRange(source, offset, Math.min(sizeBytes, there), to);
  } catch (error) {
    throw releaseError(error, 'The spool');
  }
}
