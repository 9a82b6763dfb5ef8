/**
 * Collects symbols into source blocks, under the limits of memory, and hands complete blocks to the finishers, which
 * rebuild, check and write them.
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
import { halvesOf, type ObjectId } from '../../shared/wire/statements.js';
import { Finishing } from './finishing.js';
import type { AssemblyCounters, Expectation, FromAssemblyThread, FromFinisher, ToFinisher } from './messages.js';
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

/** What failed for want of room on the disk is tried again after this long. */
const RETRY_MS = 1000;

export class Assembler {
  readonly memory: SharedMemory;
  private readonly orphanMemory: SharedMemory;
  private readonly payloads = new ObjectMap<Payload>();
  private readonly finished = new RecentObjects(LIMITS.finishedPayloads);
  /** Payloads without a manifest, the least recently fed first. */
  private readonly orphans = new Set<Payload>();
  private readonly finishing: Finishing;
  /** Expected payloads whose files could not be made; tried again. */
  private readonly unopened = new Map<ObjectId, Expectation>();
  /** Complete ones whose digest could not be computed; tried again. */
  private readonly unread = new Set<Payload>();
  private nextOpenMs = 0;
  private feeding = 0;
  /** The payload of the latest symbol: most often the next one is of it too. */
  private last: Payload | undefined;
  /** The caller's clock, set before frames are given. */
  nowMs = 0;

  constructor(
    private readonly options: AssemblerOptions,
    private readonly ports: AssemblerPorts,
  ) {
    this.memory = new SharedMemory(options.assemblyBytes);
    this.orphanMemory = new SharedMemory(options.orphanBytes);
    this.finishing = new Finishing(options.finishingMax, ports.finish, (payload, sbn) =>
      this.blockOf(payload, sbn, payload.partition.k(sbn)),
    );
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
    if (!payload) {
      counters.late++;
      return;
    }
    if (!payload.matches(header.symbols, header.blockSymbols, symbolBytes)) {
      counters.badParameters++;
      return;
    }
    if (this.hasEnough(payload, header.sbn, k)) {
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

  /** Done, or put aside with all that is needed: then it waits in the line and is not fetched for another symbol. */
  private hasEnough({ expected, blocks }: Payload, sbn: number, k: number): boolean {
    if (!expected) return false;
    return expected.done[sbn] === 1 || (!blocks.has(sbn) && expected.store.symbolsAside(sbn) >= k);
  }

  private feed(payload: Payload, block: SourceBlock, esi: number, bytes: Uint8Array, at: number): void {
    const { counters } = this.ports;
    block.fed = ++this.feeding;
    const result = this.add(payload, block, esi, bytes, at);
    if (result === 'new') {
      counters.accepted++;
      payload.fedMs = this.nowMs;
    } else counters[result]++;
  }

  private add(payload: Payload, block: SourceBlock, esi: number, bytes: Uint8Array, at: number) {
    let result = block.add(esi, bytes, at);
    while (result === 'noRoom' && this.makeRoom(payload, block)) result = block.add(esi, bytes, at);
    return result;
  }

  /** Puts a block with k symbols in the line for the finishers, once. */
  private queue(payload: Payload, block: SourceBlock): void {
    if (block.queued) return;
    block.queued = true;
    this.finishing.queue(payload, block.sbn);
    this.finishing.offer();
  }

  /** Undefined for a payload that is finished. */
  private payloadOf(header: FrameHeader, symbolBytes: number): Payload | undefined {
    const { objectHigh, objectLow } = header;
    const { last } = this;
    if (last && last.low === objectLow && last.high === objectHigh) return last;
    let payload = this.payloads.get(objectHigh, objectLow);
    if (!payload) {
      if (this.finished.has(objectHigh, objectLow)) return undefined;
      if (this.orphans.size >= LIMITS.orphanPayloads) this.dropOrphan();
      payload = new Payload(objectHigh, objectLow, header.symbols, header.blockSymbols, symbolBytes);
      this.payloads.set(objectHigh, objectLow, payload);
    }
    if (!payload.expected) {
      // Again at the end: a flood of other ids drops what is fed least, not what began first (FAULTS 10).
      this.orphans.delete(payload);
      this.orphans.add(payload);
    }
    this.last = payload;
    return payload;
  }

  /** The block in memory, opened and filled with what was put aside if need be; undefined when there is no room. */
  private blockOf(payload: Payload, sbn: number, k: number): SourceBlock | undefined {
    const held = payload.blocks.get(sbn);
    if (held) return held;
    const open = () =>
      SourceBlock.open(sbn, k, payload.symbolBytes, payload.expected ? this.memory : this.orphanMemory);
    let block = open();
    while (!block && this.makeRoom(payload)) block = open();
    if (!block) return undefined;
    block.fed = ++this.feeding;
    payload.blocks.set(sbn, block);
    if (this.fetch(payload, block)) return block;
    payload.blocks.delete(sbn);
    block.close();
    return undefined;
  }

  /** Adds what was put aside of a block. False when there is no room for it; what cannot be read counts as nothing. */
  private fetch(payload: Payload, block: SourceBlock): boolean {
    const store = payload.expected?.store;
    if (!store || store.symbolsAside(block.sbn) === 0) return true;
    const add = (esi: number, bytes: Uint8Array, at: number) =>
      block.ready || this.add(payload, block, esi, bytes, at) !== 'noRoom';
    const fetched = this.onDisk(() => store.fetch(block.sbn, block.k, add));
    if (fetched === undefined) store.overlook(block.sbn);
    return fetched ?? true;
  }

  // ------------------------------------------------------------ memory

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
    const { store } = payload.expected!;
    const put = this.onDisk(() => {
      // A share put aside by an earlier run and not fetched yet is only given up for a larger one.
      if (store.symbolsAside(block.sbn) < block.symbols) store.put(block);
      return true;
    });
    if (!put) return false;
    this.ports.counters.spilled++;
    this.close(payload, block);
    return true;
  }

  private close(payload: Payload, block: SourceBlock): void {
    payload.blocks.delete(block.sbn);
    block.close();
  }

  /** Drops the least recently fed payload without a manifest, but not `except`. */
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
    payload.dropped = true;
    this.payloads.delete(payload.high, payload.low);
    this.orphans.delete(payload);
    if (this.last === payload) this.last = undefined;
    // The memory of a block that is with a finisher comes back with its answer.
    for (const block of payload.blocks.values()) if (!block.away) block.close();
    payload.blocks.clear();
  }

  // ------------------------------------------------------------ what the supervisor says

  /** The manifest of this payload has been verified. */
  expect(coding: Expectation): void {
    const { high, low } = halvesOf(coding.object);
    this.finished.delete(high, low);
    const known = this.payloads.get(high, low);
    if (known?.expected) {
      if (known.complete) this.conclude(known);
      return;
    }
    const fresh = Payload.of(coding);
    const folder = join(this.options.spoolDir, coding.object);
    const store = new PayloadStore(folder, fresh.partition, coding.symbolBytes, coding.blockSymbols);
    const done = this.onDisk(() => store.open(coding.lengthBytes));
    if (!done) {
      this.unopened.set(coding.object, coding);
      return;
    }
    this.unopened.delete(coding.object);
    const payload = known?.matches(fresh.symbols, fresh.blockSymbols, fresh.symbolBytes) ? known : fresh;
    if (known && known !== payload) {
      // The frames lied about the coding parameters: what they brought is worth nothing (FAULTS 13).
      this.ports.counters.orphansDropped++;
      this.drop(known);
    }
    this.payloads.set(high, low, payload);
    payload.expect(coding, store, new Uint8Array(done.length));
    payload.fedMs = this.nowMs;
    if (coding.sha256) this.advance(payload);
    this.adopt(payload);
    for (let sbn = 0; sbn < done.length; sbn++) {
      if (done[sbn]) this.finishing.recheck(payload, sbn);
      else this.resume(payload, sbn);
    }
    this.finishing.offer();
    if (payload.complete) this.conclude(payload);
  }

  /** What came of it before its manifest joins what an earlier run put aside, and counts with the other blocks. */
  private adopt(payload: Payload): void {
    this.orphans.delete(payload);
    const early = [...payload.blocks.values()];
    for (const block of early) block.moveTo(this.memory);
    for (const block of early) {
      // Making room for one may have put another one aside already.
      if (payload.blocks.get(block.sbn) !== block) continue;
      if (!this.fetch(payload, block)) this.putAside(payload, block);
      else if (block.ready) this.queue(payload, block);
    }
    while (this.memory.usedBytes > this.memory.capBytes && this.putOneAside());
  }

  /** A block put aside with enough symbols (before a restart, say) is finished now. */
  private resume(payload: Payload, sbn: number): void {
    const { store } = payload.expected!;
    if (store.symbolsAside(sbn) >= payload.partition.k(sbn)) this.finishing.queue(payload, sbn);
  }

  forget(object: ObjectId, remove: boolean): void {
    this.giveUp(object, remove);
    const { high, low } = halvesOf(object);
    this.finished.add(high, low);
  }

  /** Its room is needed for others; unlike a forgotten one it may come again. */
  evict(object: ObjectId): void {
    this.giveUp(object, true);
  }

  private giveUp(object: ObjectId, remove: boolean): void {
    const { high, low } = halvesOf(object);
    const payload = this.payloads.get(high, low);
    this.unopened.delete(object);
    this.ports.finish({ close: { object, forget: true } });
    if (payload) this.drop(payload);
    if (remove) this.onDisk(() => removeStore(join(this.options.spoolDir, object)));
  }

  /** Everything of this payload goes to disk; its memory is free for others. */
  park(object: ObjectId): void {
    const { high, low } = halvesOf(object);
    const payload = this.payloads.get(high, low);
    if (!payload?.expected) return;
    for (const block of [...payload.blocks.values()]) if (!block.away && !block.ready) this.putAside(payload, block);
    this.ports.finish({ close: { object, forget: false } });
  }

  // ------------------------------------------------------------ finishing

  /** A finisher's answer. */
  answer(message: FromFinisher, nowMs: number): void {
    const asked = this.finishing.takeBack(message.ticket);
    if (!asked) return;
    const { payload, sbn, block } = asked;
    if (payload.dropped) block?.close();
    else if (asked.whole) this.wholeAnswered(payload, message);
    else if (block) this.blockAnswered(payload, block, message, nowMs);
    else if (message.outcome === 'good') this.markDone(payload, sbn);
    else {
      this.onDisk(() => payload.expected!.store.unmark(sbn));
      this.resume(payload, sbn);
    }
    this.finishing.offer();
  }

  private blockAnswered(payload: Payload, block: SourceBlock, message: FromFinisher, nowMs: number): void {
    const { counters, tell } = this.ports;
    const { sbn } = block;
    if (message.outcome === 'good') {
      if (message.decoded) counters.blocksDecoded++;
      else counters.blocksPlain++;
      counters.repairUsed += block.k - block.sourceCount;
      this.close(payload, block);
      this.markDone(payload, sbn);
    } else if (message.outcome === 'bad') {
      counters.blocksBad++;
      this.close(payload, block);
      this.onDisk(() => payload.expected!.store.discard(sbn));
      tell({ event: 'badBlock', payload: { object: payload.object, sbn } });
    } else {
      // The disk is full or failing: the block stays in memory and is offered again later (FAULTS 49, 50).
      const code = message.outcome === 'full' ? 'STORAGE_FULL' : 'SPOOL_IO';
      tell({ event: 'trouble', payload: { code, words: message.words ?? '' } });
      this.finishing.retryAt(payload, sbn, nowMs + RETRY_MS);
    }
  }

  private markDone(payload: Payload, sbn: number): void {
    const expected = payload.expected!;
    if (expected.done[sbn]) return;
    expected.done[sbn] = 1;
    expected.doneCount++;
    // Symbols may have come while an earlier run's copy of the block was checked.
    const block = payload.blocks.get(sbn);
    if (block && !block.away) this.close(payload, block);
    if (expected.coding.sha256) this.advance(payload);
    if (payload.complete) this.conclude(payload);
  }

  /** Lets the digest of the whole go on over blocks that are final, in order. */
  private advance(payload: Payload): void {
    const { partition, object } = payload;
    const expected = payload.expected!;
    const { done, store, coding } = expected;
    while (expected.front < partition.blocks && done[expected.front]) expected.front++;
    const uptoBytes = expected.front < partition.blocks ? partition.byteOffset(expected.front) : coding.lengthBytes;
    this.ports.finish({ hash: { object, uptoBytes, dataFile: store.dataFile } });
  }

  /** All blocks are done: it is announced once the digest of the whole has been compared. */
  private conclude(payload: Payload): void {
    const expected = payload.expected!;
    const { sha256 } = expected.coding;
    if (expected.whole === 'asked') return;
    if (expected.whole === 'open' && sha256) {
      expected.whole = 'asked';
      this.finishing.compare(payload, sha256);
      return;
    }
    this.ports.finish({ close: { object: payload.object, forget: true } });
    this.ports.tell({
      event: 'assembled',
      payload: {
        object: payload.object,
        file: expected.store.dataFile,
        contradicts: expected.whole === 'contradicts',
      },
    });
  }

  private wholeAnswered(payload: Payload, { outcome, words }: FromFinisher): void {
    const expected = payload.expected!;
    if (outcome === 'good' || outcome === 'bad') {
      expected.whole = outcome === 'good' ? 'holds' : 'contradicts';
      this.conclude(payload);
      return;
    }
    expected.whole = 'open';
    this.unread.add(payload);
    this.ports.tell({ event: 'trouble', payload: { code: 'SPOOL_IO', words: words ?? '' } });
  }

  /** To be called every few tens of milliseconds. */
  tick(nowMs: number): void {
    if (this.unopened.size + this.unread.size > 0 && nowMs >= this.nextOpenMs) {
      this.nextOpenMs = nowMs + RETRY_MS;
      for (const coding of [...this.unopened.values()]) this.expect(coding);
      const unread = [...this.unread];
      this.unread.clear();
      for (const payload of unread) if (!payload.dropped) this.conclude(payload);
    }
    this.finishing.tick(nowMs);
    this.ports.counters.blocksWaiting = this.finishing.waiting;
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

  /** Does something with the spool; when the system refuses, says so and answers undefined. */
  private onDisk<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      const full = code === 'ENOSPC' || code === 'EDQUOT';
      this.ports.tell({ event: 'trouble', payload: { code: full ? 'STORAGE_FULL' : 'SPOOL_IO', words: message } });
      return undefined;
    }
  }
}
