/** Sizes, durations and rates as people write them; inside the code they are bytes, milliseconds and bits a second. */
import { SluiceError } from './errors.js';

const SIZE_UNITS = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, TiB: 1024 ** 4 } as const;
const DURATION_UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const RATE_UNITS = { bps: 1, kbps: 1e3, Mbps: 1e6, Gbps: 1e9 } as const;

function parse(text: string, units: Record<string, number>, what: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([A-Za-z]*)$/.exec(text.trim());
  const unit = match?.[2];
  const factor = match && Object.hasOwn(units, unit!) ? units[unit!] : undefined;
  if (!match || factor === undefined) {
    throw new SluiceError(
      'USAGE',
      `"${text}" is not a ${what}; write a number with one of ${Object.keys(units).join(', ')}.`,
    );
  }
  const value = Math.round(Number(match[1]) * factor);
  if (!Number.isSafeInteger(value)) throw new SluiceError('USAGE', `"${text}" is too large.`);
  return value;
}

/** "64MiB" -> bytes. A bare number is bytes. */
export const parseSize = (text: string): number => parse(text, { ...SIZE_UNITS, '': 1 }, 'size');
/** "30s" -> milliseconds. The unit is required, so that nobody confuses seconds and milliseconds. */
export const parseDuration = (text: string): number => parse(text, DURATION_UNITS, 'duration');
/** "1Gbps" -> bits a second. */
export const parseRate = (text: string): number => parse(text, RATE_UNITS, 'rate');

/** A fraction in [0, 1], such as a loss of 0.02. */
export function parseFraction(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 1)) {
    throw new SluiceError('USAGE', `"${text}" is not a fraction between 0 and 1.`);
  }
  return value;
}

function largestUnit(value: number, units: Record<string, number>, digits: number): string {
  let best = Object.entries(units)[0]!;
  for (const unit of Object.entries(units)) if (value >= unit[1]) best = unit;
  const scaled = value / best[1];
  return `${Number.isInteger(scaled) ? scaled : scaled.toFixed(digits)} ${best[0]}`;
}
export const formatSize = (bytes: number): string => largestUnit(bytes, SIZE_UNITS, 1);
export const formatDuration = (ms: number): string => largestUnit(Math.round(ms), DURATION_UNITS, 1);
export const formatRate = (bps: number): string => largestUnit(bps, RATE_UNITS, 1);
