/** Option values as commander wants them parsed: a wrong one is a usage error that names what is allowed. */
import { InvalidArgumentError } from 'commander';
import { SluiceError } from '../../core/errors.js';
import { parseDuration, parseFraction, parseRate, parseSize } from '../../core/units.js';

function usage<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      throw new InvalidArgumentError(error instanceof SluiceError ? error.detail : String(error));
    }
  };
}

export const duration = usage(parseDuration);
export const size = usage(parseSize);
export const rate = usage(parseRate);
/** A rate as it is written in a configuration: checked here, so that the error names the option. */
export const rateText = (text: string): string => {
  rate(text);
  return text;
};
export const fraction = usage(parseFraction);

export const atLeast = (lowest: number) =>
  usage((text) => {
    const value = Number(text);
    if (text.trim() === '' || !(value >= lowest))
      throw new SluiceError('USAGE', `Write a number of at least ${lowest}.`);
    return value;
  });

export const whole = (lowest: number, highest: number) =>
  usage((text) => {
    const value = Number(text);
    if (!/^-?\d+$/.test(text.trim()) || value < lowest || value > highest) {
      throw new SluiceError('USAGE', `Write a whole number from ${lowest} to ${highest}.`);
    }
    return value;
  });

/** "START,SECONDS", both in seconds, fractions allowed. */
export const outage = usage((text) => {
  const parts = text.split(',').map(Number);
  const [start, seconds] = parts;
  if (parts.length !== 2 || !(start! >= 0) || !(seconds! >= 0)) {
    throw new SluiceError('USAGE', 'Write START,SECONDS: two numbers of seconds.');
  }
  return { startMs: start! * 1000, lengthMs: seconds! * 1000 };
});
