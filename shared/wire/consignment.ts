/**
 * What a statement of type v2 says about the consignment its objects are members of. All of it can be checked without
 * having seen the other members: their numbers follow each other, so what is still missing can be named.
 */
import { LIMITS } from '../core/limits.js';
import type { Fields } from './canonical.js';
import { bytesField, hexBytes, hexOf, invalid, numberOf } from './values.js';

export interface Consignment {
  /** 32 hexadecimal digits. */
  id: string;
  /** The members have the sequence numbers from here on, without gap. */
  firstSequence: number;
  objects: number;
  /** Sum of the members' sizes. */
  sizeBytes: number;
  /** Raw path of the folder; shared/wire/names.ts says whether it is one. */
  root: Uint8Array;
}

/** What is compared of a manifest. */
interface Member {
  sequence: number;
  path: Uint8Array;
  consignment: string;
}

/** Sequence number of the last member. */
export const lastSequence = ({ firstSequence, objects }: Pick<Consignment, 'firstSequence' | 'objects'>): number =>
  firstSequence + (objects - 1);

export const consignmentFields = ({ id, sizeBytes, ...same }: Consignment): Fields => ({
  ...same,
  id: hexBytes(id),
  size: sizeBytes,
});

export function decodeConsignment(fields: Fields | null): Consignment {
  if (!fields) return invalid('the consignment');
  const consignment: Consignment = {
    id: hexOf(fields.id, 16, 'consignment id'),
    firstSequence: numberOf(fields.firstSequence, 'first_sequence'),
    objects: numberOf(fields.objects, 'the members of the consignment'),
    sizeBytes: numberOf(fields.size, 'the size of the consignment'),
    root: bytesField(fields.root),
  };
  const { firstSequence, objects, sizeBytes, root } = consignment;
  if (objects === 0 || objects > LIMITS.consignmentMaxObjects) invalid('the number of members of the consignment');
  if (sizeBytes > LIMITS.consignmentMaxBytes) invalid('the size of the consignment');
  if (firstSequence === 0 || !Number.isSafeInteger(lastSequence(consignment))) invalid('first_sequence');
  if (root.length === 0 || root.length > LIMITS.pathMaxBytes - 2) invalid('the length of the root');
  return consignment;
}

/** Throws MANIFEST_INVALID unless these can be members of the consignment, `sizeBytes` long all together. */
export function checkConsignment(consignment: Consignment, members: readonly Member[], sizeBytes: number): void {
  const { firstSequence, objects, root } = consignment;
  const last = lastSequence(consignment);
  for (const { sequence, path, consignment: named } of members) {
    if (sequence < firstSequence || sequence > last) invalid('a number outside the consignment');
    if (!liesBelow(path, root)) invalid('a member outside the root of its consignment');
    if (named !== '') invalid('a consignment id in a manifest');
  }
  // Numbers ascend within a statement, so there are no more of them than the consignment has.
  const isAll = members.length === objects;
  if (isAll ? sizeBytes !== consignment.sizeBytes : sizeBytes > consignment.sizeBytes) {
    invalid('the size of the consignment');
  }
}

const SLASH = 0x2f;

function liesBelow(path: Uint8Array, root: Uint8Array): boolean {
  if (path.length < root.length + 2 || path[root.length] !== SLASH) return false;
  return root.every((byte, i) => path[i] === byte);
}
