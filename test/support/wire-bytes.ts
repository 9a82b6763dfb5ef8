/** Builds protobuf bytes by hand, field by field, so that a test can write what no encoder would. */

export const bytesOf = (...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => [...part]));

/** A varint; with `padTo` it is made over-long, that many bytes. */
export function varint(value: number | bigint, padTo = 0): number[] {
  const out: number[] = [];
  let rest = BigInt(value);
  while (rest > 0x7fn || out.length + 1 < padTo) {
    out.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  out.push(Number(rest));
  return out;
}

export const key = (field: number, wireType: number): number[] => varint((field << 3) | wireType);

/** Wire type 0. */
export const uint = (field: number, value: number | bigint): number[] => [...key(field, 0), ...varint(value)];

/** Wire type 0, zigzag. */
export const sint = (field: number, value: bigint): number[] => uint(field, value < 0n ? -2n * value - 1n : 2n * value);

/** Wire type 1, little endian. */
export function fixed64(field: number, value: bigint): number[] {
  return [...key(field, 1), ...Array.from({ length: 8 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn))];
}

/** Wire type 5, little endian. */
export function fixed32(field: number, value: number): number[] {
  return [...key(field, 5), ...Array.from({ length: 4 }, (_, i) => (value >>> (8 * i)) & 0xff)];
}

/** Wire type 2. */
export function delimited(field: number, content: Uint8Array | readonly number[] | string): number[] {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  return [...key(field, 2), ...varint(bytes.length), ...bytes];
}
