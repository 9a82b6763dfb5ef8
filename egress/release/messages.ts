/** What the supervisor asks the releasing process. */
import type { TransferId } from '../../shared/wire/statements.js';

export interface ReleaseOrder {
  transfer: TransferId;
  /** Folder that holds the tenant's folder, and its name. */
  storageRoot: string;
  tenantFolder: string;
  parts: string[];
  /** The assembled payload, and where the object lies in it. */
  payloadFile: string;
  offset: number;
  sizeBytes: number;
  /** The payload is this object and nothing else: it becomes the published file without being copied. */
  whole: boolean;
  sha256: string;
  mtimeNs: bigint;
}

export type ReleaseResult =
  | { transfer: TransferId; ok: true; publishedAs: string; version: number }
  | { transfer: TransferId; ok: false; code: string; detail: string };

export interface QuarantineOrder extends ReleaseOrder {
  quarantineDir: string;
  tenant: string;
  /** Safe to show; also there when the path itself was rejected. */
  path: string;
  code: string;
  detail: string;
}

/** The folder of a consignment. */
export interface FolderOrder {
  /** 32 hexadecimal digits. */
  consignment: string;
  storageRoot: string;
  tenantFolder: string;
  /** Path of the folder below the tenant's, divided. */
  parts: string[];
}

export interface ReleaserProtocol {
  requests: {
    /** Makes an empty folder out of sight; true when an earlier run has filled it, or published it already. */
    beginFolder: { ask: FolderOrder; answer: boolean };
    /** Puts members into it. Answers the first that could not be; the others of them count for nothing then. */
    addToFolder: {
      ask: { folder: FolderOrder; orders: ReleaseOrder[] };
      answer: { transfer: TransferId; code: string; detail: string } | null;
    };
    /** Gives it its name. `isMissing`: it was published before a crash and is not found; its name is a guess. */
    publishFolder: { ask: FolderOrder; answer: { publishedAs: string; isMissing: boolean } };
    /** Once the ledger says what has become of it: removes what is left out of sight. */
    forgetFolder: { ask: FolderOrder; answer: null };
    start: { ask: { stagingDir: string }; answer: null };
    /** Publishes all of them and makes them durable together. A result for each, in order. */
    release: { ask: ReleaseOrder[]; answer: ReleaseResult[] };
    /** Once the ledger has them: removes what was only kept to find them again after a crash. */
    forget: { ask: ReleaseOrder[]; answer: null };
    /** Keeps the bytes of rejected objects where nobody but the operator looks. */
    quarantine: { ask: QuarantineOrder[]; answer: null };
  };
  toChild: Record<never, never>;
  toParent: Record<never, never>;
}
