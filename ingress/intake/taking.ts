/**
 * Takes what needs its time beside the polls: one large file, or all members of a consignment. All or nothing: when one
 * member cannot be taken, nothing of the others stays in the spool.
 */
import { SluiceError } from '../../shared/core/errors.js';
import { Directory, type DirectoryOptions, errnoOf, isNoFolder } from '../../shared/ops/files/directories.js';
import { type ConsignmentOf, OpenBatch, type Taken } from './batch.js';
import { setOf } from './consignments.js';
import type { Gateway } from './gateway.js';
import { gatherFolder } from './share.js';
import { type Snapshot, takeSnapshot, takeSnapshotElsewhere } from './snapshot.js';
import type { Candidate } from './tenantDesk.js';

export interface Taking {
  readonly members: readonly Candidate[];
  /** `set` is what setOf() gave when it was found to be complete. */
  readonly consignment: (ConsignmentOf & { readonly rawPath: Buffer; readonly set: string }) | undefined;
  /** Of all members. */
  readonly bytes: number;
}

/** `at`: the member that failed. */
export type TakenAll = { readonly taken: Taken[] } | { readonly failure: SluiceError; readonly at: Candidate };

export async function takeAll(
  { members, consignment }: Taking,
  path: SharePath,
  maxBytes: number,
  gateway: Gateway,
  tenant: string,
): Promise<TakenAll> {
  const { config, spool } = gateway;
  const options = { ...gateway.snapshotOptions, maxBytes };
  const unit = consignment ? { consignment: { id: consignment.id, root: consignment.root } } : {};
  const isLarge = ({ identity }: Candidate) => identity.sizeBytes > config.inlineMaxFileBytes;
  const batches: OpenBatch[] = [];
  const taken: Taken[] = [];
  let current = members[0]!;
  try {
    for (let next = 0; next < members.length; ) {
      const batch = new OpenBatch(spool);
      batches.push(batch);
      const add = (snapshot: Snapshot) => {
        const { path, parts, rawPath } = current;
        batch.addTaken({ ...snapshot, path, parts, rawPath, ...unit });
        next++;
      };
      gateway.at(tenant);
      current = members[next]!;
      if (isLarge(current)) {
        const { name, identity, rawPath } = current;
        const directory = path.folderOf(rawPath);
        gateway.at('');
        const { place } = batch;
        add(await takeSnapshotElsewhere(directory, name, identity, place, options, gateway.copier, tenant));
      } else {
        // Without a pause: all tenants write their packs through one buffer.
        while (next < members.length && !batch.isFull(config.batchMaxFiles, config.inlineMaxFileBytes)) {
          current = members[next]!;
          if (isLarge(current)) break;
          add(takeSnapshot(path.folderOf(current.rawPath), current.name, current.identity, batch.place, options));
        }
      }
      const { lost, failure } = batch.settle();
      if (lost.length > 0) throw failure!;
      taken.push(...batch.taken);
      gateway.at('');
      await gateway.tools.yieldNow();
    }
    gateway.at(tenant);
    if (consignment && path.setOf(consignment.rawPath, config) !== consignment.set) {
      throw new SluiceError('INTAKE_UNSTABLE', 'Something in the folder has changed meanwhile.');
    }
    return { taken };
  } catch (error) {
    for (const batch of batches) batch.giveUp();
    if (!(error instanceof SluiceError)) throw error;
    return { failure: error, at: current };
  } finally {
    path.close();
    gateway.at('');
  }
}

/** Folders of one share, opened part by part and never through a link; the last way stays open for the next file. */
export class SharePath {
  private root: Directory | undefined;
  private readonly way: { readonly part: string; readonly directory: Directory }[] = [];

  constructor(
    private readonly share: string,
    private readonly options: DirectoryOptions,
  ) {}

  /** The folder a path lies in. Throws INTAKE_VANISHED, INTAKE_UNSTABLE, INTAKE_UNREADABLE. */
  folderOf(rawPath: Buffer): Directory {
    return this.open(rawPath.toString('latin1').split('/').slice(0, -1));
  }

  /** What setOf() says of a consignment now. */
  setOf(rawPath: Buffer, options: Parameters<typeof gatherFolder>[2]): string {
    const directory = this.open(rawPath.toString('latin1').split('/'));
    const step = gatherFolder(directory, rawPath, options);
    if ('code' in step) throw new SluiceError(step.code, step.detail);
    return setOf(step);
  }

  close(): void {
    for (const { directory } of this.way.splice(0)) directory.close();
    this.root?.close();
    this.root = undefined;
  }

  private open(parts: readonly string[]): Directory {
    try {
      this.root ??= Directory.openRoot(this.share, this.options);
      let same = 0;
      while (same < parts.length && this.way[same]?.part === parts[same]) same++;
      for (const { directory } of this.way.splice(same).reverse()) directory.close();
      for (const part of parts.slice(same)) {
        const directory = (this.way.at(-1)?.directory ?? this.root).openChild(Buffer.from(part, 'latin1'));
        this.way.push({ part, directory });
      }
      return this.way.at(-1)?.directory ?? this.root;
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === 'ENOENT') throw new SluiceError('INTAKE_VANISHED', 'Its folder is gone.');
      if (isNoFolder(error)) throw new SluiceError('INTAKE_UNSTABLE', 'Its folder has become something else.');
      if (!errno) throw error;
      throw new SluiceError('INTAKE_UNREADABLE', `Its folder gives ${errno}.`, { cause: error });
    }
  }
}
