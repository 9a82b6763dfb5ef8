/**
 * Makes repair symbols of a source block. The code is defined in docs/PROTOCOL.md; repair symbol r lives at point x = K' + r
 * and is the sum over the source symbols d_j of d_j · w_{x >> m} / w_{x ^ j}, where K' = 2^m.
 */
import { SluiceError } from '../core/errors.js';
import { checkBlockShape, checkK, maxRepairSymbols, pointRange } from './blockShape.js';
import { type Column, columnsOf } from './columns.js';
import { paddedLog } from './field.js';
import { type KernelKind, Workspace } from './kernel.js';
import { SCALAR } from './scalarKernel.js';
import type { Mover } from './transform.js';

/**
 * Encodes block after block in the same workspace, which holds as many symbols as the next power of two over the
 * repair asked for at once, twice, and at most 2 K' (1.4 MB for 410 of k = 4096 and 11.5 MB at most, T = 1408). Of symbols
 * above 2048 bytes it holds a column at a time.
 */
export class BlockEncoder {
  private readonly workspace: Workspace;
  private readonly columns: readonly Column[];
  private source: Uint8Array = new Uint8Array(0);
  private points: Int32Array = new Int32Array(0);

  /** For blocks of up to maxK symbols of T bytes. Throws FRAME_PARAMETERS. */
  constructor(
    private readonly maxK: number,
    private readonly symbolBytes: number,
    kind: KernelKind = SCALAR,
  ) {
    checkBlockShape(maxK, symbolBytes);
    this.workspace = new Workspace(kind);
    this.columns = columnsOf(maxK, symbolBytes, kind);
  }

  /** Takes k source symbols, k * T bytes. `repair` reads them where they are: leave them alone until the next load. */
  load(source: Uint8Array, k: number): void {
    checkK(k, this.maxK);
    if (source.length < k * this.symbolBytes) {
      throw new SluiceError('INTERNAL', `A block of ${k} symbols has only ${source.length} bytes.`);
    }
    this.source = source;
    if (this.points.length !== k) this.points = pointRange(0, k);
  }

  /**
   * Writes repair symbols first .. first + count - 1, number i of them at out[outOffset + i * outStride]. Only these
   * are computed; one call for many costs far less than a call for each. Throws FRAME_PARAMETERS past the last one.
   */
  repair(first: number, count: number, out: Uint8Array, outOffset = 0, outStride = this.symbolBytes): void {
    const { symbolBytes, source, points } = this;
    const k = points.length;
    if (k === 0) throw new SluiceError('INTERNAL', 'No block has been loaded.');
    if (!(Number.isInteger(first) && Number.isInteger(count) && first >= 0 && count >= 0)) {
      throw new SluiceError('INTERNAL', `Repair symbols ${first}+${count} are not a range.`);
    }
    if (first + count > maxRepairSymbols(k)) {
      throw new SluiceError('FRAME_PARAMETERS', `A block of ${k} symbols has no repair symbols ${first}+${count}.`);
    }
    if (count === 0) return;
    if (outStride < symbolBytes || outOffset + (count - 1) * outStride + symbolBytes > out.length) {
      throw new SluiceError('INTERNAL', `${count} repair symbols do not fit where they are to be written.`);
    }
    const m = paddedLog(k);
    const repairPoints = pointRange(2 ** m + first, count);
    for (const column of this.columns) {
      const plan = column.sum.plan(points, repairPoints, m);
      const kernel = this.workspace.reserve(plan.symbols * column.bytes);
      const load: Mover = (from, number, at) => column.load(kernel, source, from, number, at);
      const emit: Mover = (from, number, at) => {
        for (let i = 0; i < number; i++) {
          column.store(kernel, at + i * column.bytes, out, outOffset + (from + i) * outStride);
        }
      };
      column.sum.run(plan, kernel, 0, { points, load }, { points: repairPoints, emit }, m);
    }
  }

  /** Bytes of workspace held now. */
  get workspaceBytes(): number {
    return this.workspace.bytes;
  }
}
