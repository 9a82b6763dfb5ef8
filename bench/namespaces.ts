/** The addresses of two network namespaces that a link joins: what low and high side are told to use. */
import { execFileSync } from 'node:child_process';
import { SluiceError } from '../shared/core/errors.js';

export interface Ends {
  low: string;
  high: string;
}

interface Interface {
  ifname: string;
  addr_info: { family: string; local: string; prefixlen: number }[];
}

/**
 * The one IPv4 network that both namespaces have an address in, loopback aside.
 * @throws SluiceError USAGE when there is none, or `ip` cannot tell
 */
export function endsOf(lowNetns: string, highNetns: string): Ends {
  const [lows, highs] = [addressesIn(lowNetns), addressesIn(highNetns)];
  for (const low of lows) {
    const high = highs.find((one) => one.network === low.network);
    if (high) return { low: low.address, high: high.address };
  }
  throw new SluiceError('USAGE', `The namespaces ${lowNetns} and ${highNetns} have no IPv4 network in common.`);
}

function addressesIn(netns: string): { address: string; network: string }[] {
  let interfaces: Interface[];
  try {
    interfaces = JSON.parse(execFileSync('ip', ['-n', netns, '-4', '-json', 'address']).toString());
  } catch {
    throw new SluiceError('USAGE', `The addresses of the network namespace ${netns} cannot be read with "ip".`);
  }
  return interfaces
    .filter(({ ifname }) => ifname !== undefined && ifname !== 'lo')
    .flatMap(({ addr_info }) => addr_info)
    .map(({ local, prefixlen }) => ({ address: local, network: networkOf(local, prefixlen) }));
}

/** "10.1.2.3", 24 -> "10.1.2.0/24" */
export function networkOf(address: string, prefix: number): string {
  const bits = address.split('.').reduce((value, part) => value * 256 + Number(part), 0);
  const size = 2 ** (32 - prefix);
  const first = Math.floor(bits / size) * size;
  return `${[24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256).join('.')}/${prefix}`;
}
