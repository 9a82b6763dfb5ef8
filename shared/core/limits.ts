/**
 * Every bound that input can drive, in one place. A peer that respects PROTOCOL.md never meets one of these;
 * whatever exceeds one is dropped or refused before anything is reserved for it.
 */
const KiB = 1024;
const MiB = 1024 * KiB;

export const LIMITS = {
  /** Bytes a frame adds to its symbol: header, payload key and tag. */
  frameOverheadBytes: 64,
  /** Symbol sizes a link may use: multiples of 64 whose length is always a two-byte varint. */
  symbolMinBytes: 512,
  symbolMaxBytes: 16_320,
  symbolMultipleBytes: 64,
  /** UDP and IPv4 headers in front of a frame: UDP payload = MTU - 28. */
  udpHeaderBytes: 28,
  /** Source symbols in one block at most (k); larger objects have more blocks. */
  blockMaxSymbols: 4_096,
  /** Bytes in one source block at most, so that jumbo symbols do not make jumbo memory. */
  blockMaxBytes: 6 * MiB,
  /** Points of the code: K' + repair symbols cannot exceed the field. */
  codePoints: 65_536,
  /** An envelope is one source block; 4 MiB hold the block digests of an object of some 700 GiB. */
  envelopeMaxBytes: 4 * MiB,
  /** Manifests in one envelope. */
  envelopeMaxManifests: 4_096,
  /** Filters named by one envelope, and verdicts by one manifest. */
  manifestMaxFilters: 32,
  /** Text fields of a manifest, in UTF-8 bytes. */
  manifestMaxTextBytes: 256,
  /** Path of an object, in UTF-8 bytes: the whole and each part. */
  pathMaxBytes: 4_096,
  pathPartMaxBytes: 255,
  pathMaxDepth: 64,
  /** Objects larger than this are refused whatever the policy says (1 TiB sparse files and the like have a tighter policy limit). */
  objectMaxBytes: 512 * 1024 * MiB,
  /** Void ranges repeated in each heartbeat. */
  heartbeatMaxVoids: 16,
  /** A heartbeat may move the sequence position ahead by at most this much. */
  sequenceMaxJump: 1_000_000,
  /** Symbols of payloads whose manifest has not arrived yet, all together. */
  orphanBytes: 64 * MiB,
  /** Payloads without a manifest that are tracked at once. */
  orphanPayloads: 256,
  /** Source blocks in memory on the high side, all together; beyond it the least recently fed go to the spool. */
  assemblyBytes: 96 * MiB,
  /** Envelopes being collected at once. */
  envelopeAssemblies: 64,
  /** Payloads remembered as finished, so that late symbols cost nothing. */
  finishedPayloads: 16_384,
  /** Bytes of the ring between the receiving thread and assembly. */
  ringBytes: 32 * MiB,
  /** Configuration file. */
  configMaxBytes: 1 * MiB,
} as const;
