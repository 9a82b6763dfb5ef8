/**
 * Reasons in English. The table of codes has words for each; here are those that it words for operators and that a
 * clerk should read otherwise.
 */
import { ERRORS } from '../../../core/errors.js';
import type { CodeWords } from './language.js';

const words = (what: string, todo: string): CodeWords => ({ what, todo });

const RETRIED = 'Nothing: the gateway tries again by itself.';
const OPERATOR = 'Ask the operator of the gateway and quote the reference.';

const FOR_CLERKS: Readonly<Record<string, CodeWords>> = {
  INTAKE_UNREADABLE: words(
    'The gateway is not allowed to read this file, or reading it failed.',
    'Check that the file and its folder may be read by others; else ask the operator.',
  ),
  FOLDER_SWAPPED: words('A folder was replaced by something else while the gateway worked in it.', RETRIED),
  INTAKE_CROWDED: words(
    'More files lie in the drop folders than the gateway can follow.',
    'Remove from the drop folder what has been sent already.',
  ),
  TENANT_REMOVED: words('Your administration is not served here at the moment.', OPERATOR),
  TENANT_GIVEN_UP: words(
    'Your administration was no longer served here, and the operator gave up what still waited.',
    'If it is still wanted, ask the operator of the gateway first, then drop the file again.',
  ),
  QUOTA_EXCEEDED: words(
    'Your administration already has as many files waiting in the gateway as it may have.',
    'Nothing: it goes on by itself as soon as others have left the gateway.',
  ),
  QUOTA_TOO_SMALL: words(
    'This file alone is more than your administration may have in the gateway.',
    'Split the file, or ask the operator to raise the limit.',
  ),
  SPOOL_FULL: words(
    'The gateway is full at the moment.',
    'Nothing: it goes on by itself as soon as other files have left the gateway.',
  ),
  SPOOL_IO: words('The disk of the gateway did not answer as it should.', RETRIED),
  SCAN_UNAVAILABLE: words(
    'A required check cannot run at the moment.',
    'Nothing: the file is checked as soon as that is possible again.',
  ),
  SEAL_VERDICT_INCOMPLETE: words('A required check is missing, so the file is not sent.', OPERATOR),
  SEAL_UNAVAILABLE: words('The file could not be sealed.', RETRIED),
  ENVELOPE_TOO_LARGE: words(
    'The description of this file is too long to be sent.',
    'Split the file into several and drop them.',
  ),
  CHILD_FAILED: words('A part of the gateway stopped and is being started again.', RETRIED),
  QUEUE_JOB_FATAL: words('The gateway stopped several times while it worked on this file.', OPERATOR),
  INTERNAL: words('Something went wrong in the gateway that should not have.', OPERATOR),
  MANIFEST_INVALID: words('The description of the file contradicts itself.', OPERATOR),
  VERIFY_TENANT_UNKNOWN: words('The recipient is not known on this side.', OPERATOR),
  VERIFY_LABEL_NOT_ALLOWED: words('The classification of the file is not allowed here.', OPERATOR),
  VERIFY_VERDICT_MISSING: words('A check that this side requires was not made before sending.', OPERATOR),
  VERIFY_TYPE_NOT_ALLOWED: words('Files of this type are not released to your administration.', OPERATOR),
  CONSIGNMENT_REFUSED: words(
    'A file of this consignment was refused, and a consignment goes as a whole or not at all.',
    'Correct or remove the file that is named, then drop the whole folder again.',
  ),
  CONSIGNMENT_INVALID: words('What was sealed as one consignment cannot be one folder.', OPERATOR),
  CONSIGNMENT_CONFLICT: words('Two descriptions of this consignment contradict each other.', OPERATOR),
  CONSIGNMENT_INCOMPLETE: words(
    'Other files of this consignment have not come, so nothing of it is released.',
    'Ask for the missing files to be sent again; this one waits for them.',
  ),
  VERIFY_TOO_LARGE: words(
    'The file is larger than this side accepts.',
    'Have it split and sent again, or ask the operator.',
  ),
  DIGEST_MISMATCH: words(
    'The bytes that came are not the bytes that were sealed.',
    'Ask for the file to be sent again.',
  ),
  TRANSFER_INCOMPLETE: words(
    'Too much of the transfer was lost on its way. What has come is kept.',
    'Ask for the file to be sent again: only what is missing will be filled in.',
  ),
  RELEASE_UNSAFE_TARGET: words(
    'A folder on the way to the target is a link or not a folder.',
    'Remove it from your storage, then ask the operator.',
  ),
  RELEASE_IO: words('The file could not be written into your storage.', RETRIED),
};

const fromTable = Object.entries(ERRORS).map(([code, { meaning, remedy }]): [string, CodeWords] => [
  code,
  words(meaning, remedy),
]);

export const ENGLISH_CODES: Readonly<Record<string, CodeWords>> = { ...Object.fromEntries(fromTable), ...FOR_CLERKS };
