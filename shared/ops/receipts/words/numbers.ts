/** Numbers as people read them. */

/** Digits in groups of three. */
export const grouped = (n: number, divider: string): string =>
  Math.trunc(n)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, divider);

/** The largest of these decimal units (thousand, million, ...) that gives a number of at least one; one decimal. */
export function inUnits(value: number, units: readonly string[], point: string): string {
  let index = -1;
  let scaled = value;
  // 999.95 would be written as a thousand.
  while (scaled >= (index < 0 ? 1000 : 999.95) && index < units.length - 1) {
    scaled /= 1000;
    index++;
  }
  const text = index < 0 ? String(scaled) : scaled.toFixed(1).replace(/\.0$/, '').replace('.', point);
  return index < 0 ? text : `${text} ${units[index]}`;
}
