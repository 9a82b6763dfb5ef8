/**
 * The one table of errors. Every failure that crosses a module boundary, reaches a receipt, a log or an exit code
 * carries one of these codes; people and scripts match on the code, never on the sentence.
 *
 * `permanent` failures will fail again on the same input; `retryable` ones may pass later, so the object is held.
 */
export type Severity = 'info' | 'warning' | 'error' | 'alarm';
export type Persistence = 'permanent' | 'retryable';

export interface ErrorEntry {
  /** What happened, in a sentence for the person who reads a receipt. */
  readonly meaning: string;
  readonly severity: Severity;
  readonly persistence: Persistence;
  /** What to do now. */
  readonly remedy: string;
}

const entry = (severity: Severity, persistence: Persistence, meaning: string, remedy: string): ErrorEntry => ({
  meaning,
  severity,
  persistence,
  remedy,
});

export const ERRORS = {
  // Configuration and start
  CONFIG_UNREADABLE: entry(
    'error',
    'permanent',
    'The configuration file cannot be read.',
    'Check the path and the file permissions.',
  ),
  CONFIG_INVALID: entry(
    'error',
    'permanent',
    'The configuration holds a key or a value that is not allowed.',
    'Correct the named key; "sluice config reference" lists every key with its unit and default.',
  ),
  CONFIG_REFUSED: entry(
    'alarm',
    'retryable',
    'A changed configuration is wrong, so the one from before stays in force, all of it.',
    'Correct the file at the named line; it is read again by itself within seconds. "sluice tenants check" says the same beforehand.',
  ),
  CONFIG_RELOADED: entry('info', 'permanent', 'Changed tenants or policies are in force.', 'Nothing to do.'),
  CONFIG_RESTART: entry(
    'warning',
    'retryable',
    'Keys were changed that only count after a restart.',
    'Restart this side when it suits, or put the old values back.',
  ),
  CONFIG_EXPOSED: entry(
    'alarm',
    'permanent',
    'A configuration file can be changed by others than its owner.',
    'Look at what it says and who may have changed it, then take the permission away (chmod o-w) or put the file itself in the place of the link.',
  ),
  KEY_UNREADABLE: entry(
    'error',
    'permanent',
    'A key file is missing or does not hold a key.',
    'Make keys with "sluice keygen", or correct the path.',
  ),
  KEY_EXPOSED: entry(
    'alarm',
    'permanent',
    'A secret key file can be read by other users of this machine.',
    'Run chmod 600 on the file, and replace the key if anybody else may have read it.',
  ),
  KEY_EXISTS: entry(
    'error',
    'permanent',
    'There is a key file here already, and keys are never overwritten.',
    'Use another folder, or move the old keys away once nothing needs them.',
  ),
  STATE_IN_USE: entry(
    'error',
    'permanent',
    'Another gateway process already works on this state folder.',
    'Stop it first, or use another --state folder.',
  ),
  STATE_MISSING: entry(
    'error',
    'permanent',
    'There is no ledger of a side in this folder.',
    'Name the state folder the side was started with (--state).',
  ),
  CONSOLE_UNAVAILABLE: entry(
    'error',
    'retryable',
    'The operator console cannot be served; the side itself works.',
    'Check that "console.listen" is an address of this machine and that nobody else uses the port; it is tried again.',
  ),
  CONSOLE_LOGIN_FAILED: entry(
    'alarm',
    'retryable',
    'Somebody tried again and again to log in at the console with a wrong token.',
    'Find out who can reach the console; if the token may be known, remove console.token and start the side again.',
  ),
  STATE_WRONG_SIDE: entry(
    'alarm',
    'permanent',
    'This store belongs to the other side of the diode.',
    'Give each side a store of its own: a shared one would be a way back.',
  ),
  QUEUE_STORE_UNAVAILABLE: entry(
    'error',
    'retryable',
    'The queue store cannot be reached.',
    'Check the Redis address, or leave "queues" at "auto" to use a private one.',
  ),
  QUEUE_STORE_FULL: entry(
    'alarm',
    'retryable',
    'The queue store takes nothing more: its memory or its disk is full.',
    'Give it more memory (maxmemory) or disk; no object is lost, and work goes on by itself.',
  ),
  QUEUE_STORE_EMPTIED: entry(
    'info',
    'retryable',
    'The queue store lost what it held and was started anew.',
    'Nothing to do: the work is rebuilt from spool and ledger.',
  ),
  QUEUE_STORE_UNSAFE: entry(
    'warning',
    'retryable',
    'The Redis server is set up so that it may lose queued work.',
    'Set "maxmemory-policy noeviction" and "appendonly yes"; with another policy the gateway does not start.',
  ),
  QUEUE_JOB_INVALID: entry(
    'alarm',
    'permanent',
    'A queue job carries more than the small identifiers it may hold.',
    'This points to a fault in the gateway: report it.',
  ),
  QUEUE_JOB_LOST: entry(
    'info',
    'retryable',
    'The queue store gave a job up while it was running.',
    'Nothing to do: the work is done again, or rebuilt from spool and ledger.',
  ),
  QUEUE_JOB_FAILED: entry(
    'alarm',
    'retryable',
    'A job failed for good: it is not tried again, also not after a restart, until an operator says so.',
    'See "sluice queues failed" for code and sentence; mend the cause, then "sluice queues retry STAGE". The object stays where it is.',
  ),
  QUEUE_JOB_FATAL: entry(
    'alarm',
    'permanent',
    'The gateway ended again and again while it worked on this.',
    'Look into the log for what ends it; the object stays in the spool.',
  ),
  CHILD_CRASH_LOOP: entry(
    'alarm',
    'retryable',
    'A process of the gateway ends again and again soon after it was started.',
    'What it does stands still until it runs; look into the log for what ends it. It goes on being started, up to every ten seconds.',
  ),
  CHILD_FAILED: entry(
    'error',
    'retryable',
    'A process of the gateway stopped unexpectedly.',
    'It is started again by itself; look into the log when it repeats.',
  ),

  BYTES_EXPIRED: entry(
    'info',
    'permanent',
    'Bytes that were kept of objects which went no further have been removed for their age.',
    'Nothing to do: the ledger goes on knowing the objects. "retention" says how long bytes are kept.',
  ),
  TENANT_REMOVED: entry(
    'warning',
    'retryable',
    'The tenant of this object is not served here any more.',
    'Put the tenant back into the configuration and the object goes on by itself; else it stays where it is until "sluice give-up TENANT" gives up all that waits for the tenant on this side.',
  ),
  TENANT_GIVEN_UP: entry(
    'warning',
    'permanent',
    'The tenant of this object is not served here any more, and an operator has given up what waited for it.',
    'Nothing to do; "sluice acts" says who decided it and why. What is still wanted is dropped again once the tenant is back.',
  ),

  // Names (intake and, by its own check, verify)
  NAME_NOT_UTF8: entry(
    'warning',
    'permanent',
    'The file name is not valid UTF-8 text.',
    'Rename the file with ordinary letters and drop it again.',
  ),
  NAME_FORBIDDEN_CHARACTER: entry(
    'warning',
    'permanent',
    'The file name holds a control, direction-changing or backslash character.',
    'Rename the file with ordinary letters and drop it again.',
  ),
  NAME_UNSAFE_PATH: entry(
    'warning',
    'permanent',
    'The path has an empty, "." or ".." part, or is absolute.',
    'Give the file a plain relative path and drop it again.',
  ),
  NAME_TOO_LONG: entry(
    'warning',
    'permanent',
    'The file name or its path is too long to be represented.',
    'Shorten the name (255 bytes a part, 4096 in all) and drop it again.',
  ),
  NAME_NOT_PORTABLE: entry(
    'warning',
    'permanent',
    'The file name would not work on every computer (Windows, macOS, Linux).',
    'Avoid the characters < > : " | ? *, reserved names such as CON or NUL, and a dot or space at the end.',
  ),
  NAME_COLLISION: entry(
    'warning',
    'permanent',
    'Another file of the same folder has a name that looks the same.',
    'Rename one of the two files and drop it again.',
  ),

  // Intake
  INTAKE_NOT_REGULAR: entry(
    'warning',
    'permanent',
    'This is a link, a pipe, a socket or a device, not a file.',
    'Drop the file itself instead.',
  ),
  INTAKE_HARD_LINKED: entry(
    'warning',
    'permanent',
    'The file has more than one name (hard link), so somebody may change it from elsewhere.',
    'Drop a copy of the file instead.',
  ),
  INTAKE_TOO_LARGE: entry(
    'warning',
    'permanent',
    'The file is larger than is allowed.',
    'Split the file, or ask the operator about the limit.',
  ),
  INTAKE_UNSTABLE: entry(
    'info',
    'retryable',
    'The file is still being changed.',
    'Nothing to do: it is taken once it has been left alone for the hold time.',
  ),
  FOLDER_SWAPPED: entry(
    'alarm',
    'retryable',
    'A folder was replaced by something else while the gateway worked in it.',
    'Look at who can write to this folder; it is tried again.',
  ),
  INTAKE_CROWDED: entry(
    'alarm',
    'retryable',
    'More files lie in the shares than intake can keep in mind, so nothing new is taken.',
    'Empty the shares, or have accepted files moved out of them.',
  ),
  INTAKE_VANISHED: entry('info', 'permanent', 'The file was removed before it could be taken.', 'Drop it again.'),
  INTAKE_UNREADABLE: entry(
    'warning',
    'retryable',
    'The gateway is not allowed to read this file, or reading it failed.',
    'Check the permissions of the file and its folder.',
  ),
  SPOOL_FULL: entry(
    'alarm',
    'retryable',
    'The spool has reached its high-water mark, so nothing new is taken.',
    'Wait until transfers have been sent, or give the spool more room.',
  ),
  SPOOL_IO: entry(
    'alarm',
    'retryable',
    'Writing to or reading from the spool failed.',
    'Check the disk; the object stays where it is and is tried again.',
  ),
  INTAKE_STUCK: entry(
    'alarm',
    'retryable',
    'Intake has not come to an end with a share for a while: its file system does not answer.',
    'Look at the named share (a network mount that hangs?); the other shares are served meanwhile.',
  ),
  QUOTA_TOO_SMALL: entry(
    'warning',
    'permanent',
    'This alone is more than may ever be inside the gateway at a time.',
    'Split it, or ask the operator for a larger quota.',
  ),

  // Scan and seal
  SCAN_CRASHED: entry(
    'warning',
    'permanent',
    'The scanner stopped while it looked at this file.',
    'The file is refused as dangerous; ask the operator if you need it sent.',
  ),
  SCAN_TIMEOUT: entry(
    'warning',
    'permanent',
    'The scanner did not finish with this file in time.',
    'The file is refused as dangerous; ask the operator if you need it sent.',
  ),
  SCAN_UNAVAILABLE: entry(
    'alarm',
    'retryable',
    'A required check cannot run at the moment.',
    'The object is held and checked as soon as the scanner works again.',
  ),
  SCAN_ARCHIVE_DAMAGED: entry(
    'warning',
    'permanent',
    'The archive cannot be read as what it claims to be.',
    'Make the archive again and drop it.',
  ),
  SCAN_ARCHIVE_LIMIT: entry(
    'warning',
    'permanent',
    'The archive holds more entries or more data than can be inspected.',
    'Split the archive.',
  ),
  SCAN_MEMORY: entry(
    'warning',
    'permanent',
    'The scanner needed too much memory for this file.',
    'The file is refused as dangerous; ask the operator if you need it sent.',
  ),
  SCAN_TYPE_NOT_ALLOWED: entry(
    'warning',
    'permanent',
    'Files of this type may not be sent.',
    'Send it in an allowed form, or ask the operator about the policy.',
  ),
  TYPE_EXTENSION_MISMATCH: entry(
    'warning',
    'permanent',
    'The content is not of the type that the file name says.',
    'Give the file the ending that belongs to its content.',
  ),
  SCAN_ARCHIVE_ENCRYPTED: entry(
    'warning',
    'permanent',
    'The archive holds encrypted entries, which cannot be inspected.',
    'Make the archive again without a password.',
  ),
  SCAN_ARCHIVE_METHOD: entry(
    'warning',
    'permanent',
    'An entry of the archive is compressed in a way that cannot be inspected.',
    'Make the archive again with ordinary compression (deflate).',
  ),
  SCAN_ARCHIVE_NAME: entry(
    'warning',
    'permanent',
    'The name of an archive entry is not a plain relative path, so it could be unpacked where it does not belong.',
    'Make the archive again with plain relative names.',
  ),
  SCAN_ARCHIVE_LINK: entry(
    'warning',
    'permanent',
    'The archive holds a link or a device instead of a file.',
    'Make the archive again with the files themselves.',
  ),
  SCAN_ARCHIVE_NESTED: entry(
    'warning',
    'permanent',
    'The archive holds another archive, which was not opened.',
    'Put the files into one archive, or send the inner one by itself.',
  ),
  SCAN_NOT_INSPECTED: entry(
    'warning',
    'permanent',
    'The content of this kind of container was not inspected.',
    'Send the files themselves, or put them into a ZIP archive.',
  ),
  SEAL_VERDICT_INCOMPLETE: entry(
    'alarm',
    'permanent',
    'A required check is missing from the verdict, so the object is not sealed.',
    'This points to a fault in the gateway: report it.',
  ),
  SEAL_UNAVAILABLE: entry('alarm', 'retryable', 'The sealing process did not answer.', 'It is tried again by itself.'),

  // Wire
  FRAME_LENGTH: entry('info', 'permanent', 'A datagram has a length no frame has.', 'Counted and dropped.'),
  FRAME_LAYOUT: entry('info', 'permanent', 'A datagram is not laid out as a frame.', 'Counted and dropped.'),
  FRAME_VERSION: entry(
    'warning',
    'permanent',
    'A frame has a wire version or kind this gateway does not know.',
    'Bring both sides to the same release.',
  ),
  FRAME_TAG: entry('warning', 'permanent', 'A frame was not made with the link key.', 'Counted and dropped.'),
  FRAME_PARAMETERS: entry(
    'warning',
    'permanent',
    'A frame announces coding parameters outside the limits.',
    'Counted and dropped.',
  ),
  ENVELOPE_MALFORMED: entry(
    'alarm',
    'permanent',
    'An envelope is not laid out as the protocol says.',
    'Look at the low side: it may be damaged or compromised.',
  ),
  ENVELOPE_KEY_UNKNOWN: entry(
    'alarm',
    'permanent',
    'An envelope is signed with a key this side does not trust.',
    'Add the public key to the trusted keys if the low side is yours.',
  ),
  ENVELOPE_SIGNATURE: entry(
    'alarm',
    'permanent',
    'The signature of an envelope does not hold.',
    'Look at the low side: it may be damaged or compromised.',
  ),
  ENVELOPE_CONFLICT: entry(
    'alarm',
    'permanent',
    'Two envelopes describe the same transfer differently.',
    'Look at the low side: it may be damaged or compromised.',
  ),
  ENVELOPE_TOO_LARGE: entry(
    'alarm',
    'permanent',
    'The description of these objects does not fit an envelope of this link.',
    'Raise link.blockSymbols or link.mtu, lower link.bundleSize, or split the file.',
  ),
  MANIFEST_INVALID: entry(
    'alarm',
    'permanent',
    'A manifest names values that cannot be.',
    'Look at the low side: it may be damaged or compromised.',
  ),

  // High side
  VERIFY_TENANT_UNKNOWN: entry(
    'alarm',
    'permanent',
    'The manifest names a tenant this side does not serve.',
    'Add the tenant to the high side, or correct the low side.',
  ),
  VERIFY_LABEL_NOT_ALLOWED: entry(
    'alarm',
    'permanent',
    'The classification label is not allowed for this tenant here.',
    'Correct the label on the low side, or the high side policy.',
  ),
  VERIFY_TYPE_NOT_ALLOWED: entry(
    'alarm',
    'permanent',
    'Objects of this type, as the low side names it, are not released to the tenant.',
    'Add the type to the tenant on the high side, or take it out of those the low side lets pass.',
  ),
  VERIFY_VERDICT_MISSING: entry(
    'alarm',
    'permanent',
    'The manifest lacks a verdict that this side requires.',
    'Look at the low side: a check was skipped.',
  ),
  VERIFY_TOO_LARGE: entry(
    'warning',
    'permanent',
    'The object is larger than this side accepts for the tenant.',
    'Raise the limit on the high side, or split the file.',
  ),
  DIGEST_MISMATCH: entry(
    'alarm',
    'permanent',
    'The received bytes are not the bytes that were sealed.',
    'Send the object again; look at the low side when it repeats.',
  ),
  CONSIGNMENT_REFUSED: entry(
    'error',
    'permanent',
    'A file of this consignment was refused, and a consignment travels as a whole or not at all.',
    'Look at the file that is named: correct or remove it, and drop the whole folder again.',
  ),
  CONSIGNMENT_TOO_LARGE: entry(
    'error',
    'permanent',
    'The consignment has more files or bytes than may travel as one.',
    'Divide it into several folders.',
  ),
  CONSIGNMENT_INVALID: entry(
    'error',
    'permanent',
    'What was sealed as one consignment cannot be one folder.',
    'Nothing of it is released. Ask the low side to send it again; if it comes back, treat that side as suspect.',
  ),
  CONSIGNMENT_NOT_FOUND: entry(
    'alarm',
    'permanent',
    'A consignment was published before a crash, and its folder is not where it was put.',
    'If nobody has moved or removed it, the storage has lost it: ask the low side to send it again.',
  ),
  CONSIGNMENT_CONFLICT: entry(
    'alarm',
    'permanent',
    'Two envelopes describe one consignment differently.',
    'The first one counts. Treat the low side as suspect until the reason is known.',
  ),
  CONSIGNMENT_INCOMPLETE: entry(
    'error',
    'retryable',
    'Other files of this consignment have not arrived, so nothing of it is released.',
    'Ask the low side to send the missing files again; this file waits for them.',
  ),
  TRANSFER_INCOMPLETE: entry(
    'warning',
    'retryable',
    'Too much of the transfer was lost on the link.',
    'Ask the low side to resend it; what has arrived is kept.',
  ),
  TRANSFER_UNSEEN: entry(
    'warning',
    'retryable',
    'The low side sent a transfer of which nothing arrived.',
    'Ask the low side to resend this sequence number.',
  ),
  RELEASE_UNSAFE_TARGET: entry(
    'alarm',
    'permanent',
    'A folder on the way to the target is a link or not a folder.',
    'Remove it from the tenant storage and release again.',
  ),
  RELEASE_IO: entry(
    'alarm',
    'retryable',
    'Writing to the tenant storage failed.',
    'Check its disk and permissions; the object is released as soon as it works.',
  ),
  RELEASE_STUCK: entry(
    'alarm',
    'retryable',
    'The storage of a tenant does not answer, so nothing is released there until it does.',
    'Look at that storage, above all if it is a network share: mount it again, or take its mount away so that it answers with an error. Releases go on by themselves; nothing is lost.',
  ),
  STORAGE_FULL: entry(
    'alarm',
    'retryable',
    'The tenant storage or the spool is full.',
    'Make room; it goes on by itself.',
  ),
  QUOTA_EXCEEDED: entry(
    'warning',
    'retryable',
    'A tenant has used up what it may have inside the gateway; further files of it wait.',
    'Nothing is lost and it goes on by itself when there is room. If it lasts: raise the quota of the tenant, or ask it to drop less at once.',
  ),
  TENANT_STARVED: entry(
    'alarm',
    'retryable',
    'Work of a tenant waits without anything of it moving, while others go on.',
    'Look at the named stage: its failed jobs, and whether another tenant of a higher class or weight uses everything there is.',
  ),
  LINK_SILENT: entry(
    'alarm',
    'retryable',
    'Nothing has arrived on the link for longer than configured.',
    'Check the low side and the fibre.',
  ),
  LINK_BACK: entry(
    'info',
    'retryable',
    'Frames arrive on the link again.',
    'Nothing to do: what was lost meanwhile is named as incomplete, and a resend completes it.',
  ),
  LINK_NOT_ONE_WAY: entry(
    'alarm',
    'permanent',
    'Something arrived at the socket that only sends.',
    'Look at the wiring and at who shares this network: on a one-way link nothing can come back.',
  ),
  RECEIVER_OVERRUN: entry(
    'alarm',
    'retryable',
    'Datagrams were dropped on this machine because it could not take them as fast as they came.',
    'Raise link.receiveBuffer and net.core.rmem_max, give the receiver more processor time, or lower the rate of the low side.',
  ),
  SYMBOL_CONFLICT: entry(
    'alarm',
    'permanent',
    'Two authentic frames carry different bytes for the same symbol; the first one counts.',
    'Look at the low side: two senders may share its key, or it may be damaged or compromised.',
  ),
  LINK_SOCKET: entry(
    'error',
    'retryable',
    'A socket of the link cannot be opened.',
    'Check that the address belongs to this machine and that nobody else uses the port.',
  ),
  TRANSPORT_FALLBACK: entry(
    'info',
    'retryable',
    'Datagrams cannot be moved many to a call on this machine; they pass one by one.',
    'It works, with less speed. What was refused is named: the koffi package, a kernel older than 5.0, the filter of a container, an MTU smaller than link.mtu. To be rid of the message, set link.transport to dgram.',
  ),
  LINK_PARAMETERS: entry(
    'alarm',
    'permanent',
    'The low side announces other link parameters than this side is configured for.',
    'Bring both configurations to the same values.',
  ),
  SEQUENCE_JUMP: entry(
    'alarm',
    'permanent',
    'The low side announced a sequence position that is not plausible.',
    'Look at the low side: it may be damaged or compromised. If it is yours and simply ran on, move the ledger of this side aside and start again.',
  ),

  // Any side
  CLOCK_STEPPED: entry(
    'alarm',
    'retryable',
    'The clock of this machine was changed while the gateway ran.',
    'Check the time source. Transfers are not affected; times in records before and after do not compare, and nothing is removed for its age for an hour.',
  ),
  ALARM_OVER: entry('info', 'retryable', 'The cause of an alarm is gone.', 'Nothing to do.'),
  // Receipts
  RECEIPT_UNWRITABLE: entry(
    'warning',
    'retryable',
    'Receipts cannot be written into the folder of a tenant.',
    'Check that the folder is there, is no link, and can be written to. Nothing else waits for it; missing receipts are written later.',
  ),

  // Command line
  USAGE: entry('error', 'permanent', 'The command line is not right.', 'See "sluice help".'),
  INTERNAL: entry('alarm', 'permanent', 'Something went wrong that should not have.', 'Report this with the log.'),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;

/** The only exception that crosses a module: a code of the table, and the particulars in words. */
export class SluiceError extends Error {
  override readonly name = 'SluiceError';
  constructor(
    readonly code: ErrorCode,
    /** The particulars: which file, key, value. Never a secret. */
    readonly detail: string,
    options?: { cause?: unknown },
  ) {
    super(`${code}: ${ERRORS[code].meaning} ${detail}`.trim(), options);
  }
  get persistence(): Persistence {
    return ERRORS[this.code].persistence;
  }
}

/** The code of any thrown value; what is not ours counts as INTERNAL. */
export function codeOf(error: unknown): ErrorCode {
  return error instanceof SluiceError ? error.code : 'INTERNAL';
}

/** A short sentence for any thrown value. */
export function wordsOf(error: unknown): string {
  if (error instanceof SluiceError) return `${ERRORS[error.code].meaning} ${error.detail}`.trim();
  return error instanceof Error ? error.message : String(error);
}
