/** The options of a simulated link, the same for `sluice link` and `sluice demo`. */
import { type Command, Option } from 'commander';
import type { ImpairmentOptions } from '../../link/impairments.js';
import { atLeast, fraction, outage, whole } from './numbers.js';

export function addImpairmentOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--seed <n>', 'seed of everything random on the link').argParser(whole(0, 2 ** 32 - 1)).default(1),
    )
    .addOption(new Option('--loss <p>', 'probability that a datagram is lost').argParser(fraction))
    .addOption(
      new Option('--burst <n>', 'one run of N consecutive datagrams lost per transfer').argParser(whole(0, 1_000_000)),
    )
    .addOption(
      new Option('--burst-mean <n>', 'mean length of bursts (Gilbert-Elliott), with --burst-rate').argParser(
        atLeast(1),
      ),
    )
    .addOption(new Option('--burst-rate <p>', 'probability that a burst begins at a datagram').argParser(fraction))
    .addOption(new Option('--reorder <n>', 'datagrams are displaced by up to N places').argParser(whole(0, 100_000)))
    .addOption(new Option('--duplicate <p>', 'probability that a datagram comes twice').argParser(fraction))
    .addOption(new Option('--corrupt <p>', 'probability that one bit of a datagram is flipped').argParser(fraction))
    .addOption(
      new Option(
        '--outage <start,seconds>',
        'everything is lost for a time, counted from the first datagram',
      ).argParser(outage),
    );
}

export function impairmentsOf(options: Record<string, unknown>): ImpairmentOptions {
  const { seed, loss, burst, burstMean, burstRate, reorder, duplicate, corrupt, outage } =
    options as unknown as ImpairmentOptions;
  return { seed, loss, burst, burstMean, burstRate, reorder, duplicate, corrupt, outage };
}
