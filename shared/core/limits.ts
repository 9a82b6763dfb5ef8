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
  /** Bytes of one datagram at most, and of what is handed to the system as one message to be cut into datagrams. */
  datagramMaxBytes: 65_507,
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
  /** Members of a consignment, and bytes of all of them. */
  consignmentMaxObjects: 65_536,
  consignmentMaxBytes: 4 * 1024 * 1024 * MiB,
  /** Filters named by one envelope, and verdicts by one manifest. */
  manifestMaxFilters: 32,
  /** Text fields of a manifest, in UTF-8 bytes. */
  manifestMaxTextBytes: 256,
  /** Path of an object, in UTF-8 bytes: the whole and each part. */
  pathMaxBytes: 4_096,
  pathPartMaxBytes: 255,
  pathMaxDepth: 64,
  /** UTF-16 units of a path under "names: portable": leaves room for a folder in front of it below the 260 of Windows. */
  pathPortableMaxUnits: 240,
  /** Folders below a share that are walked at all; deeper than pathMaxDepth every file is still named and refused. */
  walkMaxDepth: 128,
  /** Entries of its shares that one intake process keeps in mind; beyond it new ones wait. */
  intakeMaxEntries: 1_000_000,
  /** Names that are incomplete and remembered until they are renamed, of one tenant. */
  intakeMaxIncomplete: 100_000,
  /** Folders that are watched for events, of all tenants together; the poll sees what happens elsewhere. */
  intakeMaxWatches: 512,
  /** Storages that hang and have a releasing process of their own. */
  releaseMaxAside: 8,
  /** Versions of one name in a tenant's storage. */
  releaseMaxVersions: 4_096,
  /** Objects larger than this are refused whatever the policy says (1 TiB sparse files and the like have a tighter policy limit). */
  objectMaxBytes: 512 * 1024 * MiB,
  /** Void ranges repeated in each heartbeat. */
  heartbeatMaxVoids: 16,
  /** Heartbeats whose signature is checked each second; the low side sends about one. */
  heartbeatsPerSecond: 10,
  /** Heartbeat frames remembered as heard: each is worth a look once. */
  heartbeatsRemembered: 4_096,
  /** A heartbeat may move the sequence position ahead by at most this much. */
  sequenceMaxJump: 100_000,
  /** The same for a history that was never heard of: numbers up to here are each accounted for from the first one. */
  sequenceFirstContact: 10_000,
  /** Positions of the link that wait for their reorder window. */
  positionsWaiting: 4_096,
  /** Void ranges of several heartbeats that one waiting position keeps in mind; the newest stay. */
  positionVoids: 256,
  /** Symbols of payloads whose manifest has not arrived yet, all together. */
  orphanBytes: 64 * MiB,
  /** Payloads without a manifest that are tracked at once. */
  orphanPayloads: 256,
  /** Source blocks in memory on the high side, all together; beyond it the least recently fed go to the spool. */
  assemblyBytes: 96 * MiB,
  /** Objects in assembly and waiting to be released, of all tenants together. */
  assemblyMaxObjects: 1_000_000,
  /** Envelopes being collected at once. */
  envelopeAssemblies: 64,
  /** Payloads remembered as finished, so that late symbols cost nothing. */
  finishedPayloads: 16_384,
  /** How long the receiving thread may be deaf to its parent while it waits for datagrams. */
  socketBlockMs: 100,
  /** Bytes of the ring between the receiving thread and assembly. */
  ringBytes: 32 * MiB,
  /** Simulated link: objects whose burst is remembered, and places a datagram may be displaced by. */
  linkObjects: 65_536,
  linkReorderPlaces: 16_384,
  /** Simulated link: how long a datagram may wait for the rate, and bytes that may wait in the output socket. */
  linkQueueMs: 100,
  linkSendQueueBytes: 4 * MiB,
  /** A queue job as JSON: identifiers, never bytes; and its key, in UTF-8 bytes. */
  queueJobMaxBytes: 64 * KiB,
  queueKeyMaxBytes: 512,
  /** Characters of a queue job's title and of the reason it failed, and lines of its log. */
  queueTitleMaxLength: 200,
  queueReasonMaxLength: 2_000,
  queueLogMaxLines: 100,
  /** Repair symbols that the sender keeps of all large payloads it sends in turn. */
  sendingRepairBytes: 64 * MiB,
  /** Source blocks that the sender keeps while it sends them; payloads that find no room are read in smaller parts. */
  sendingSourceBytes: 64 * MiB,
  /** Payloads handed to the sender at once, of all tenants and of one; it decides whose turn it is. */
  sendingAtOnce: 1_024,
  sendingOfTenant: 128,
  /** Jobs of one state that an operator is shown at once, and rounds (of 200 jobs) of an act on all of a stage. */
  queueShownJobs: 100,
  queueActRounds: 500,
  /** Objects and payloads whose jobs failed for good that a side keeps in mind; beyond it the oldest are tried again. */
  deadLetters: 10_000,
  /** Characters of each text of an operator's request: what it is about, who, why. */
  requestMaxText: 500,
  /** Ranges of numbers and objects that `sluice missing` shows, each, and numbers that it reads for that. */
  missingShown: 1_000,
  missingNumbersRead: 1_000_000,
  /** Transfers that one request asks to send again, and lines of the answer to it. */
  resendMost: 5_000,
  resendLines: 100,
  /** Operators logged in at one console, questions a console may have open, and bytes of a request's body. */
  consoleMaxSessions: 64,
  consoleMaxQuestions: 128,
  consoleMaxBodyBytes: 16 * KiB,
  /** Requests a minute from one address: any, and attempts to log in. */
  consoleRequestsPerMinute: 3_000,
  consoleLoginsPerMinute: 20,
  /** Connections to one console. */
  consoleMaxConnections: 256,
  /** Addresses whose failed logins are remembered. */
  consoleMaxAddresses: 1_024,
  /** Configuration file. */
  configMaxBytes: 1 * MiB,
  /** YAML levels and aliases (weighed by what they repeat) in a configuration, and tenants it may name. */
  configMaxDepth: 16,
  configMaxAliases: 32,
  configMaxTenants: 1_024,
  /** Objects whose quarantined bytes are removed in one go. */
  quarantineRemovedAtOnce: 500,
  /** Files of tenants: bytes of each and of all, and entries of their folder. */
  tenantFileMaxBytes: 128 * KiB,
  tenantFilesMaxBytes: 8 * MiB,
  tenantsDirMaxEntries: 4_096,
  /** Media types that one tenant's list may name. */
  configMaxTypes: 256,
  /** Findings kept of one object, and characters of each of their texts; further findings are only counted. */
  scanMaxFindings: 64,
  scanFindingMaxText: 1_024,
  /** Names, extra fields and comments of an archive's directory that a scan keeps in mind. */
  scanDirectoryBytes: 64 * MiB,
  /** Objects that wait for a scan at once; beyond it they are held. */
  scanMaxWaiting: 262_144,
  /** Files of a tenant that are each held, and have a receipt, because its quota is used up; of the others a number is told. */
  quotaNamed: 1_000,
  /** Milliseconds that something may wait on the high side before its receipt says so. */
  waitingNamedAfterMs: 5_000,
  /** Receipts written anew when a stage is paused or goes on; the summary of the day says it for all. */
  pauseNamed: 10_000,
  /** Characters of an object's name in the file name of its receipt, and findings a receipt names. */
  receiptNameMaxLength: 80,
  receiptMaxFindings: 8,
  /** Files a receipt of a consignment names, in its JSON. */
  receiptMaxMembers: 1_000,
  /** Characters of any one text in a receipt. */
  receiptMaxText: 1_024,
  /** Files a daily summary names, and days that are summed up afterwards when the gateway was down over midnight. */
  summaryMaxNamed: 100,
  summaryMaxDays: 31,
  /** Lines a child process may print within ten seconds, and characters of each. */
  childOutputLines: 200,
  childOutputMaxText: 2_000,
  /** Objects whose way is timed at once. */
  objectsTimed: 50_000,
  /** Alarms told apart at once, and past ones remembered; characters of what one says. */
  alarmsActive: 256,
  alarmsRemembered: 64,
  alarmMaxText: 2_000,
  /** A key file, and the public keys one high side may trust. */
  keyFileMaxBytes: 16 * KiB,
  trustedMaxKeys: 64,
} as const;
