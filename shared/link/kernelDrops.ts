/**
 * Datagrams the kernel threw away because a socket's receive buffer was full: the loss that a receiver cannot see on
 * its socket. Linux only: the last column of /proc/net/udp and /proc/net/udp6. Datagrams that the kernel held together
 * (UDP_GRO, up to 64 of them) count as one when some kernels drop them: then this is a lower bound.
 */
import { readFileSync } from 'node:fs';

/** Drops of all sockets on a local port in one such table, or undefined when the table has none on it. */
export function dropsInTable(table: string, port: number): number | undefined {
  // "  sl  local_address ..." then one line a socket: "12: 0100007F:1F90 00000000:0000 07 ... 3 2 0000000000000000 42"
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  let drops: number | undefined;
  for (const line of table.split('\n').slice(1)) {
    const columns = line.trim().split(/\s+/);
    if (!columns[1]?.endsWith(suffix)) continue;
    const value = Number(columns[columns.length - 1]);
    if (Number.isSafeInteger(value)) drops = (drops ?? 0) + value;
  }
  return drops;
}

/**
 * Datagrams dropped so far by the sockets of this network namespace bound to a local port.
 * Undefined where there is no such table, or no such socket in it.
 */
export function readUdpDrops(port: number): number | undefined {
  let drops: number | undefined;
  for (const file of ['/proc/net/udp', '/proc/net/udp6']) {
    try {
      const found = dropsInTable(readFileSync(file, 'latin1'), port);
      if (found !== undefined) drops = (drops ?? 0) + found;
    } catch {
      // Not Linux, or no IPv6: the other table still counts.
    }
  }
  return drops;
}
