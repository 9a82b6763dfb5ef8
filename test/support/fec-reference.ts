/**
 * The erasure code once more, slowly and from its definition alone (docs/PROTOCOL.md): bit-by-bit field arithmetic, the
 * closed form for repair symbols, Gaussian elimination for decoding. Shares nothing with shared/fec, so that the two
 * can only agree by both being right.
 */

/** Product of two elements, one bit at a time. */
export function slowMultiply(a: number, b: number): number {
  let product = 0;
  for (let shifted = a, bits = b; bits !== 0; bits >>>= 1) {
    if (bits & 1) product ^= shifted;
    shifted <<= 1;
    if (shifted & 0x10000) shifted ^= 0x1002d;
  }
  return product;
}

/** a^(2^16 - 2), which is 1 / a. */
export function slowInverse(a: number): number {
  let inverse = 1;
  for (let power = a, i = 1; i < 16; i++) {
    power = slowMultiply(power, power);
    inverse = slowMultiply(inverse, power);
  }
  return inverse;
}

/** The basis by trying every even element. */
export function slowBasis(): number[] {
  const basis = [1];
  while (basis.length < 16) {
    let y = 0;
    while ((slowMultiply(y, y) ^ y) !== basis.at(-1)) y += 2;
    basis.push(y);
  }
  return basis;
}

const BASIS = slowBasis();

/** w_x. */
export const slowPoint = (x: number): number =>
  BASIS.reduce((sum, element, j) => ((x >> j) & 1 ? sum ^ element : sum), 0);

/** The words of a symbol: low byte at j, high byte at 32 + j of each group of 64. */
export function wordsOf(symbol: Uint8Array): number[] {
  const words: number[] = [];
  for (let group = 0; group < symbol.length; group += 64) {
    for (let j = 0; j < 32; j++) words.push(symbol[group + j] | (symbol[group + 32 + j] << 8));
  }
  return words;
}

export function symbolOf(words: readonly number[]): Uint8Array {
  const symbol = new Uint8Array(2 * words.length);
  words.forEach((word, i) => {
    const at = (i >> 5) * 64 + (i & 31);
    symbol[at] = word & 0xff;
    symbol[at + 32] = word >> 8;
  });
  return symbol;
}

const paddedLogOf = (k: number): number => Math.ceil(Math.log2(k));

/** The factor of source symbol j in repair symbol r: w_{x >> m} / w_{x ^ j} with x = K' + r. */
export function slowCoefficient(k: number, r: number, j: number): number {
  const m = paddedLogOf(k);
  const x = 2 ** m + r;
  return slowMultiply(slowPoint(x >> m), slowInverse(slowPoint(x ^ j)));
}

/** Repair symbol r of k source symbols of `symbolBytes` each. */
export function slowRepair(source: Uint8Array, k: number, symbolBytes: number, r: number): Uint8Array {
  const sum: number[] = new Array(symbolBytes / 2).fill(0);
  for (let j = 0; j < k; j++) {
    const coefficient = slowCoefficient(k, r, j);
    wordsOf(source.subarray(j * symbolBytes, (j + 1) * symbolBytes)).forEach((word, i) => {
      sum[i] ^= slowMultiply(coefficient, word);
    });
  }
  return symbolOf(sum);
}

/**
 * All k source symbols from any k different symbols of the block, by ESI, or undefined from fewer. Elimination on the
 * rows of the generator matrix.
 */
export function slowDecode(received: ReadonlyMap<number, Uint8Array>, k: number): Uint8Array[] | undefined {
  if (received.size < k) return undefined;
  const rows = [...received].slice(0, k).map(([esi, symbol]) => ({
    left: Array.from({ length: k }, (_, j) => (esi < k ? Number(esi === j) : slowCoefficient(k, esi - k, j))),
    right: wordsOf(symbol),
  }));
  const addMultiple = (to: number[], from: readonly number[], factor: number): void => {
    for (let i = 0; i < to.length; i++) to[i] ^= slowMultiply(factor, from[i]);
  };
  for (let column = 0; column < k; column++) {
    const pivot = rows.findIndex((row, i) => i >= column && row.left[column] !== 0);
    [rows[column], rows[pivot]] = [rows[pivot], rows[column]];
    const { left, right } = rows[column];
    const inverse = slowInverse(left[column]);
    for (const side of [left, right]) {
      side.forEach((value, i) => {
        side[i] = slowMultiply(value, inverse);
      });
    }
    rows.forEach((row, i) => {
      const factor = row.left[column];
      if (i === column || factor === 0) return;
      addMultiple(row.left, left, factor);
      addMultiple(row.right, right, factor);
    });
  }
  return rows.map((row) => symbolOf(row.right));
}
