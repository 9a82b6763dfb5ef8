/**
 * Collects symbols into source blocks, under the limits of memory, and hands complete blocks to the finisher, which
 * rebuilds, checks and writes them.
 *
 *   frame --> payload --> source block --k symbols--> finisher --digest holds--> done
 *                 |            |
 *             no manifest   memory full: put aside on disk, fetched again with its next symbol
 *
 * No sockets, no timers: frames and answers come in as calls, so that a test can drive it.
 */
import { join } from 'node:path';
import { LIMITS } from '../../shared/core/limits.js';
import { type FrameHeader, PAYLOAD_OFFSET, plausibleBlockSymbols } from '../../shared/wire/frame.js';
import { type Coding, halvesOf, type ObjectId } from '../../shared/wire/statements.js';
import type {
  AssemblyCounters,
  FinishBlock,
  FromAssemblyThread,
  FromFinisher,
  ToFinisher,
} from '../receive/messages.js';
import { ObjectMap, RecentObjects } from './objectMap.js';
import { Payload } from './payload.js';
import { PayloadStore, removeStore } from './payloadStore.js';
import { SharedMemory } from './sharedMemory.js';
import { SourceBlock } from './sourceBlock.js';

export interface AssemblerOptions {
  spoolDir: string;
  assemblyBytes: number;
  orphanBytes: number;
  /** Blocks the finishers may hold at once. */
  finishingMax: number;
}

export interface AssemblerPorts {
  finish(message: ToFinisher): void;
  tell(message: FromAssemblyThread): void;
  counters: AssemblyCounters;
}

/** A block that could not be written for want of room is offered again after this long. */
const RETRY_MS = 1000;

export class Assembler {
  readonly memory: SharedMemory;
  private readonly orphanMemory: SharedMemory;
  private readonly payloads = new ObjectMap<Payload>();
  private readonly finished = new RecentObjects(LIMITS.finishedPayloads);
  /** Payloads without a manifest, the least recently fed first. */
  private readonly orphans = new Set<Payload>();
  /** Blocks with k symbols that wait for a finisher. */
  private readonly ready: { payload: Payload; sbn: number }[] = [];
  private retries: { payload: Payload; sbn: number; dueMs: number }[] = [];
  private finishing = 0;
  private rechecking = 0;
  /** Blocks that were with a finisher when their payload was dropped: their memory comes back with the answer. */
  private readonly droppedAway = new Map<string, SourceBlock>();
  private feeding = 0;
  private last: Payload | undefined;
  /** The caller's clock, set before frames are given. */
  nowMs = 0;

  constructor(
    private readonly options: AssemblerOptions,
    private readonly ports: AssemblerPorts,
  ) {
    this.memory = new SharedMemory(options.assemblyBytes);
    this.orphanMemory = new SharedMemory(options.orphanBytes);
  }

  // ------------------------------------------------------------ symbols

  /** A payload symbol whose tag held. `bytes` holds the frame at `at`. */
  symbol(header: FrameHeader, bytes: Uint8Array, at: number, symbolBytes: number): void {
    const { counters } = this.ports;
    const k = plausibleBlockSymbols(header, symbolBytes);
    if (k === undefined) {
      counters.badParameters++;
      return;
    }
    const payload = this.payloadOf(header, symbolBytes);
    if (!payload) return;
    if (!payload.matches(header.symbols, header.blockSymbols, symbolBytes)) {
      counters.badParameters++;
      return;
    }
    if (payload.expected?.done[header.sbn]) {
      counters.late++;
      return;
    }
    const block = this.blockOf(payload, header.sbn, k);
    if (!block) {
      counters.noRoom++;
      return;
    }
    if (block.away || block.ready) counters.late++;
    else this.feed(payload, block, header.esi, bytes, at + PAYLOAD_OFFSET);
    if (block.ready && payload.expected) this.queue(payload, block);
  }

  private feed(payload: Payload, block: SourceBlock, esi: number, bytes: Uint8Array, at: number): void {
    const { counters } = this.ports;
    block.fed = ++this.feeding;
    let result = block.add(esi, bytes, at);
    if (result === 'noRoom' && this.makeRoom(payload, block)) result = block.add(esi, bytes, at);
    if (result === 'new') {
      counters.accepted++;
      payload.fedMs = this.nowMs;
    } else counters[result]++;
  }

  /** Marks a block with k symbols for the finisher, once. */
  private queue(payload: Payload, block: SourceBlock): void {
    if (block.queued) return;
    block.queued = true;
    this.ready.push({ payload, sbn: block.sbn });
    this.offer();
  }

  private payloadOf(header: FrameHeader, symbolBytes: number): Payload | undefined {
    const { objectHigh, objectLow } = header;
    const { last } = this;
    if (last && last.low === objectLow && last.high === objectHigh) return last;
    let payload = this.payloads.get(objectHigh, objectLow);
    if (!payload) {
      if (this.finished.has(objectHigh, objectLow)) {
        this.ports.counters.late++;
        return undefined;
      }
      if (this.orphans.size >= LIMITS.orphanPayloads) this.dropOrphan();
      payload = new Payload(objectHigh, objectLow, header.symbols, header.blockSymbols, symbolBytes);
      this.payloads.set(objectHigh, objectLow, payload);
      this.orphans.add(payload);
    }
    this.last = payload;
    return payload;
  }

  private blockOf(payload: Payload, sbn: number, k: number): SourceBlock | undefined {
    const held = payload.blocks.get(sbn);
    if (held) return held;
    const open = () =>
      SourceBlock.open(sbn, k, payload.symbolBytes, payload.expected ? this.memory : this.orphanMemory);
    let block = open();
    while (!block && this.makeRoom(payload)) block = open();
    if (!block) return undefined;
    payload.blocks.set(sbn, block);
    const store = payload.expected?.store;
    if (store && store.symbolsAside(sbn) > 0) store.fetch(block);
    return block;
  }

  /** Frees memory for `payload`, but not that of `except`; false when nothing can be freed. */
  private makeRoom(payload: Payload, except?: SourceBlock): boolean {
    return payload.expected ? this.putOneAside(except) : this.dropOrphan(payload);
  }

  /** Puts the least recently fed block on disk. */
  private putOneAside(except?: SourceBlock): boolean {
    let oldest: { payload: Payload; block: SourceBlock } | undefined;
    for (const payload of this.payloads.values()) {
      if (!payload.expected) continue;
      for (const block of payload.blocks.values()) {
        if (!block.away && block !== except && (!oldest || block.fed < oldest.block.fed)) oldest = { payload, block };
      }
    }
    return oldest !== undefined && this.putAside(oldest.payload, oldest.block);
  }

  private putAside(payload: Payload, block: SourceBlock): boolean {
    try {
      payload.expected!.store.put(block);
    } catch (error) {
      this.trouble(error);
      return false;
    }
    this.ports.counters.spilled++;
    payload.blocks.delete(block.sbn);
    block.close();
    return true;
  }

  // ------------------------------------------------------------ what the supervisor says

  /** The manifest of this payload has been verified. */
  expect(coding: Coding): void {
    const { high, low } = halvesOf(coding.object);
    this.finished.delete(high, low);
    let payload = this.payloads.get(high, low);
    if (payload?.expected) {
      if (payload.complete) this.announce(payload);
      return;
    }
    const fresh = Payload.of(coding);
    if (payload && !payload.matches(fresh.symbols, fresh.blockSymbols, fresh.symbolBytes)) {
      // The frames lied about the coding parameters: what they brought is worth nothing (FAULTS 13).
      this.ports.counters.badParameters++;
      this.drop(payload);
      payload = undefined;
    }
    const early = payload ? [...payload.blocks.values()] : [];
    payload ??= fresh;
    this.orphans.delete(payload);
    this.payloads.set(high, low, payload);
    this.last = undefined;
    const partition = fresh.partition;
    const store = new PayloadStore(
      join(this.options.spoolDir, coding.object),
      partition,
      coding.symbolBytes,
      coding.blockSymbols,
    );
    let done: Uint8Array;
    try {
      done = store.open(coding.lengthBytes);
    } catch (error) {
      this.trouble(error);
      this.drop(payload);
      return;
    }
    payload.expect(coding, store, new Uint8Array(done.length));
    payload.fedMs = this.nowMs;
    for (const block of early) if (block.ready) this.queue(payload, block);
    for (let sbn = 0; sbn < done.length; sbn++) if (done[sbn]) this.recheck(payload, sbn);
    this.resume(payload);
    this.offer();
    if (payload.complete) this.announce(payload);
  }

  /** Blocks put aside with enough symbols (before a restart, say) are finished now. */
  private resume(payload: Payload): void {
    const { partition, expected } = payload;
    for (let sbn = 0; sbn < partition.blocks; sbn++) {
      if (expected!.store.symbolsAside(sbn) >= partition.k(sbn)) this.ready.push({ payload, sbn });
    }
  }

  forget(object: ObjectId, remove: boolean): void {
    const { high, low } = halvesOf(object);
    const payload = this.payloads.get(high, low);
    this.ports.finish({ close: object });
    if (payload) this.drop(payload);
    this.finished.add(high, low);
    if (remove) removeStore(join(this.options.spoolDir, object));
  }

  /** Everything of this payload goes to disk; its memory is free for others. */
  park(object: ObjectId): void {
    const { high, low } = halvesOf(object);
    const payload = this.payloads.get(high, low);
    if (!payload?.expected) return;
    for (const block of [...payload.blocks.values()]) if (!block.away && !block.ready) this.putAside(payload, block);
  }

  // ------------------------------------------------------------ finishing

  /** Offers ready blocks to the finishers as far as they may hold more. */
  private offer(): void {
    while (this.finishing < this.options.finishingMax && this.ready.length > 0) {
      const { payload, sbn } = this.ready.shift()!;
      const expected = payload.expected;
      if (!expected || expected.done[sbn] || this.payloads.get(payload.high, payload.low) !== payload) continue;
      const block = payload.blocks.get(sbn) ?? this.blockOf(payload, sbn, payload.partition.k(sbn));
      if (!block) {
        // All memory is with the finishers: their answers make room.
        this.ready.unshift({ payload, sbn });
        return;
      }
      if (block.away || !block.ready) continue;
      block.away = true;
      this.finishing++;
      this.ports.finish({ finish: this.finishRequest(payload, block) });
    }
  }

  private finishRequest(payload: Payload, block: SourceBlock): FinishBlock {
    const { partition, expected } = payload;
    return {
      object: payload.object,
      sbn: block.sbn,
      k: block.k,
      symbolBytes: block.symbolBytes,
      source: block.source,
      have: block.have,
      repair: block.repair,
      digest: payload.digest(block.sbn),
      byteLength: partition.byteLength(block.sbn),
      byteOffset: partition.byteOffset(block.sbn),
      dataFile: expected!.store.dataFile,
      doneFile: expected!.store.doneFile,
    };
  }

  private recheck(payload: Payload, sbn: number): void {
    const { partition, expected } = payload;
    this.rechecking++;
    this.ports.finish({
      recheck: {
        object: payload.object,
        sbn,
        digest: payload.digest(sbn),
        byteLength: partition.byteLength(sbn),
        byteOffset: partition.byteOffset(sbn),
        dataFile: expected!.store.dataFile,
      },
    });
  }

  /** A finisher's answer. */
  answer(message: FromFinisher, nowMs: number): void {
    const { counters } = this.ports;
    if (message.recheck) this.rechecking--;
    else this.finishing--;
    const { high, low } = halvesOf(message.object);
    const payload = this.payloads.get(high, low);
    const block = this.takeBack(payload, message);
    if (!payload?.expected) {
      block?.close();
    } else if (message.outcome === 'good') {
      if (!message.recheck) {
        if (message.decoded) counters.blocksDecoded++;
        else counters.blocksPlain++;
        counters.repairUsed += block ? block.k - block.sourceCount : 0;
      }
      block?.close();
      this.markDone(payload, message.sbn);
    } else if (message.recheck) {
      payload.expected.store.unmark(message.sbn);
    } else if (message.outcome === 'bad') {
      counters.blocksBad++;
      block?.close();
      this.ports.tell({ event: 'badBlock', payload: { object: message.object, sbn: message.sbn } });
    } else if (block) {
      this.keepForRetry(payload, block, message, nowMs);
    }
    this.offer();
  }

  /** The block a finisher held, out of the payload again; a dropped payload's memory was kept in `away`. */
  private takeBack(payload: Payload | undefined, message: FromFinisher): SourceBlock | undefined {
    if (message.recheck) return undefined;
    const dropped = this.droppedAway.get(`${message.object}/${message.sbn}`);
    if (dropped) {
      this.droppedAway.delete(`${message.object}/${message.sbn}`);
      return dropped;
    }
    const block = payload?.blocks.get(message.sbn);
    if (block) payload!.blocks.delete(message.sbn);
    return block;
  }

  private markDone(payload: Payload, sbn: number): void {
    const expected = payload.expected!;
    if (expected.done[sbn]) return;
    expected.done[sbn] = 1;
    expected.doneCount++;
    const block = payload.blocks.get(sbn);
    if (block && !block.away) {
      // Symbols that came while an earlier run's copy of the block was checked.
      payload.blocks.delete(sbn);
      block.close();
    }
    if (payload.complete) this.announce(payload);
  }

  private announce(payload: Payload): void {
    this.ports.finish({ close: payload.object });
    this.ports.tell({
      event: 'assembled',
      payload: { object: payload.object, file: payload.expected!.store.dataFile },
    });
  }

  /** The disk was full or failing: the block stays in memory and is offered again later (FAULTS 49, 50). */
  private keepForRetry(payload: Payload, block: SourceBlock, message: FromFinisher, nowMs: number): void {
    const code = message.outcome === 'full' ? 'STORAGE_FULL' : 'SPOOL_IO';
    this.ports.tell({ event: 'trouble', payload: { code, words: message.words ?? '' } });
    block.away = false;
    payload.blocks.set(block.sbn, block);
    this.retries.push({ payload, sbn: message.sbn, dueMs: nowMs + RETRY_MS });
  }

  /** To be called every few tens of milliseconds. */
  tick(nowMs: number): void {
    const due = this.retries.filter((retry) => retry.dueMs <= nowMs);
    if (due.length > 0) {
      this.retries = this.retries.filter((retry) => retry.dueMs > nowMs);
      this.ready.push(...due);
    }
    this.offer();
    this.ports.counters.blocksWaiting = this.finishing + this.rechecking + this.ready.length;
    this.ports.counters.memoryBytes = this.memory.usedBytes + this.orphanMemory.usedBytes;
  }

  /** How long each payload with a manifest has had no new symbol. */
  quietMs(nowMs: number): Record<ObjectId, number> {
    const quiet: Record<ObjectId, number> = {};
    for (const payload of this.payloads.values()) {
      if (payload.expected && !payload.complete) quiet[payload.object] = nowMs - payload.fedMs;
    }
    return quiet;
  }

  // ------------------------------------------------------------ giving up

  /** Drops the least recently begun payload without a manifest, but not `except`. */
  private dropOrphan(except?: Payload): boolean {
    for (const orphan of this.orphans) {
      if (orphan === except) continue;
      this.ports.counters.orphansDropped++;
      this.drop(orphan);
      return true;
    }
    return false;
  }

  private drop(payload: Payload): void {
    this.payloads.delete(payload.high, payload.low);
    this.orphans.delete(payload);
    if (this.last === payload) this.last = undefined;
    for (const block of payload.blocks.values()) {
      if (block.away) this.droppedAway.set(`${payload.object}/${block.sbn}`, block);
      else block.close();
    }
    payload.blocks.clear();
  }

  private trouble(error: unknown): void {
    const { code, message } = error as NodeJS.ErrnoException;
    const full = code === 'ENOSPC' || code === 'EDQUOT';
    this.ports.tell({ event: 'trouble', payload: { code: full ? 'STORAGE_FULL' : 'SPOOL_IO', words: message } });
  }
}
