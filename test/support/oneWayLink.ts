/**
 * Two network namespaces joined by one veth pair, as deaf and dumb as a diode's two ends: the low end knows the other's
 * hardware address beforehand, the high end answers no ARP, and neither speaks IPv6. Loopback stays down in both.
 */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { onPath } from './cli.js';

export class OneWayLink {
  readonly lowAddress = '10.213.7.1';
  readonly highAddress = '10.213.7.2';
  private readonly id = randomBytes(4).toString('hex');
  readonly low = `sluice-low-${this.id}`;
  readonly high = `sluice-high-${this.id}`;
  private readonly lowEnd = `sl${this.id}`;
  private readonly highEnd = `sh${this.id}`;

  /** Why there can be no such link here; undefined when it has been made. */
  make(): string | undefined {
    if (!onPath('ip')) return 'the program "ip" (package iproute2) is not installed';
    if (process.getuid?.() !== 0) return 'making network namespaces takes root';
    process.once('exit', () => this.remove());
    try {
      for (const space of [this.low, this.high]) ip('netns', 'add', space);
      ip(
        'link',
        'add',
        this.lowEnd,
        'netns',
        this.low,
        'type',
        'veth',
        'peer',
        'name',
        this.highEnd,
        'netns',
        this.high,
      );
    } catch (error) {
      this.remove();
      return `network namespaces cannot be made here: ${(error as Error).message.split('\n')[1] ?? error}`;
    }
    this.setUp(this.low, this.lowEnd, this.lowAddress);
    ip('-n', this.high, 'link', 'set', this.highEnd, 'arp', 'off', 'multicast', 'off');
    this.setUp(this.high, this.highEnd, this.highAddress);
    const { address } = this.look(this.high, this.highEnd);
    ip('-n', this.low, 'neigh', 'add', this.highAddress, 'lladdr', address, 'dev', this.lowEnd, 'nud', 'permanent');
    return undefined;
  }

  /** Packets of any kind that left the high end, and that reached the low end, since the link was made. */
  back(): { highSent: number; lowReceived: number } {
    const { stats64: high } = this.look(this.high, this.highEnd);
    const { stats64: low } = this.look(this.low, this.lowEnd);
    return { highSent: high.tx.packets, lowReceived: low.rx.packets };
  }

  /** Bytes that left the low end. What leaves in a batch counts as one packet here, so packets say little. */
  lowSentBytes(): number {
    return this.look(this.low, this.lowEnd).stats64.tx.bytes;
  }

  /** Command and arguments that run something in a namespace. */
  within(space: string, command: string, ...args: string[]): [command: string, args: string[]] {
    return ['ip', ['netns', 'exec', space, command, ...args]];
  }

  /** Sockets of the internet families in a namespace: protocol, local and remote address as /proc writes them. */
  sockets(space: string): string[] {
    const list =
      'cd /proc/net; for p in tcp udp udplite raw icmp; do [ -e $p ] && sed 1d $p | sed "s/^/$p /"; done; true';
    const [command, args] = this.within(space, 'sh', '-c', list);
    const lines = execFileSync(command, args, { encoding: 'utf8' }).split('\n');
    return lines
      .filter((line) => line !== '')
      .map((line) => {
        const [protocol, , local, remote] = line.trim().split(/\s+/);
        return `${protocol} ${local} ${remote}`;
      });
  }

  /** Safe to call at any time; a namespace takes its end of the pair along. */
  remove(): void {
    for (const space of [this.low, this.high]) {
      try {
        ip('netns', 'del', space);
      } catch {
        // It was never made.
      }
    }
  }

  private setUp(space: string, end: string, address: string): void {
    const off = 'for f in /proc/sys/net/ipv6/conf/*/disable_ipv6; do [ -e "$f" ] && echo 1 > "$f"; done; true';
    const [command, args] = this.within(space, 'sh', '-c', off);
    execFileSync(command, args);
    ip('-n', space, 'addr', 'add', `${address}/30`, 'dev', end);
    ip('-n', space, 'link', 'set', end, 'up');
  }

  private look(
    space: string,
    end: string,
  ): { address: string; stats64: Record<'rx' | 'tx', { packets: number; bytes: number }> } {
    return JSON.parse(ip('-n', space, '-s', '-j', 'link', 'show', 'dev', end))[0];
  }
}

function ip(...args: string[]): string {
  return execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}
