/** The screen of `sluice top`: how sides stand, cut to the size of a terminal. Pure: reports in, lines out. */
import { formatDuration, formatSize } from '../../core/units.js';
import type { SideStatus, TenantStatus } from './status.js';
import type { SideReport } from './statusFile.js';
import { alarmLine, doneOf, headline, isWell, linkOf, queuesOf, spoolOf, stageOf } from './statusWords.js';

export interface Screen {
  readonly columns: number;
  readonly rows: number;
  readonly colours: boolean;
}

/** Alarms of a side that are shown in full; the others are counted. */
const ALARMS_SHOWN = 3;
const NAME_COLUMNS = 16;

type Look = 'plain' | 'bold' | 'good' | 'bad' | 'faint';
interface Line {
  readonly text: string;
  readonly look: Look;
}

const ESCAPES: Readonly<Record<Look, string>> = {
  plain: '',
  bold: '\x1b[1m',
  good: '\x1b[1;32m',
  bad: '\x1b[1;31m',
  faint: '\x1b[2m',
};

/** Exactly as many lines as fit, or fewer. */
export function topLines(reports: readonly SideReport[], wallMs: number, screen: Screen): string[] {
  const time = new Date(wallMs).toISOString().slice(11, 19);
  const title: Line = { text: `sluice top   ${time} UTC   q quits`, look: 'faint' };
  const rows = rowsOf(
    reports.map((report) => sideLines(report, wallMs, Number.POSITIVE_INFINITY).length),
    screen.rows - 1,
  );
  const lines = [title, ...reports.flatMap((report, i) => sideLines(report, wallMs, rows[i]!))];
  return lines.slice(0, screen.rows).map((line) => drawn(line, screen));
}

/** Rows for each side: what it needs, but no more than its part of what the smaller ones leave. */
function rowsOf(needs: readonly number[], rows: number): number[] {
  const given = needs.map(() => 0);
  let left = rows;
  const smallestFirst = needs.map((_, i) => i).sort((a, b) => needs[a]! - needs[b]!);
  smallestFirst.forEach((i, before) => {
    given[i] = Math.min(needs[i]!, Math.floor(left / (needs.length - before)));
    left -= given[i]!;
  });
  return given;
}

function sideLines(report: SideReport, wallMs: number, rows: number): Line[] {
  const { status } = report;
  const head: Line = { text: headline(report, wallMs).toUpperCase(), look: isWell(report) ? 'good' : 'bad' };
  if (!status) return [head];
  const lines: Line[] = [head];
  const say = (text: string, look: Look = 'plain') => lines.push({ text: `  ${text}`, look });
  for (const alarm of status.alarms.slice(0, ALARMS_SHOWN)) say(alarmLine(alarm, wallMs), 'bad');
  const more = status.alarms.length - ALARMS_SHOWN;
  if (more > 0) say(`and ${more} more: sluice status`, 'bad');
  if (status.side === 'low' && status.heldBack !== '') say(`takes nothing: ${status.heldBack}`, 'bad');
  say(`link    ${linkOf(status)}`);
  say(`stages  ${status.stages.map(stageOf).join('; ')}`);
  say(`spool   ${bar(status.spool.usedBytes / status.spool.limitBytes)} ${spoolOf(status)}`);
  if (!status.queueStore.isUp) say(`queues  ${queuesOf(status)}`, 'bad');
  say(`uses    ${usesOf(status)}`);
  const room = rows - lines.length - 1;
  if (room >= 1) {
    say(
      `${'TENANT'.padEnd(NAME_COLUMNS)} ${'INSIDE'.padStart(8)} ${'BYTES'.padStart(10)} ${'OLDEST'.padStart(9)}  SO FAR`,
      'bold',
    );
    const sorted = [...status.tenants].sort((a, b) => (b.oldest?.ageMs ?? -1) - (a.oldest?.ageMs ?? -1));
    const shown = sorted.length > room ? sorted.slice(0, room - 1) : sorted;
    for (const tenant of shown) say(tenantRow(tenant, status.side));
    if (shown.length < sorted.length) say(`and ${sorted.length - shown.length} more tenants`, 'faint');
  }
  return lines.slice(0, Math.max(1, rows));
}

function tenantRow({ name, inside, oldest, states }: TenantStatus, side: SideStatus['side']): string {
  const cells = [
    pad(name, NAME_COLUMNS),
    String(inside.objects).padStart(8),
    formatSize(inside.bytes).padStart(10),
    (oldest ? formatDuration(oldest.ageMs) : '-').padStart(9),
  ];
  return `${cells.join(' ')}  ${doneOf(states, side)}`;
}

/** What the side costs the machine. */
function usesOf({ processes, eventLoopDelayMs }: SideStatus): string {
  const bytes = processes.reduce((sum, { residentBytes }) => sum + (residentBytes ?? 0), 0);
  const seconds = processes.reduce((sum, { cpuSeconds }) => sum + (cpuSeconds ?? 0), 0);
  return `${processes.length} processes, ${formatSize(bytes)}, ${Math.round(seconds)} s of processor; timers ${eventLoopDelayMs} ms late`;
}

const BAR_COLUMNS = 12;
function bar(fraction: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, fraction)) * BAR_COLUMNS);
  return `[${'#'.repeat(filled)}${'-'.repeat(BAR_COLUMNS - filled)}]`;
}

// ---------------------------------------------------------------- columns

function drawn({ text, look }: Line, { columns, colours }: Screen): string {
  const cut = clip(text, columns);
  return colours && look !== 'plain' ? `${ESCAPES[look]}${cut}\x1b[0m` : cut;
}

/** Characters that take two columns of a terminal: East Asian wide ones and pictures. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const NO_COLUMN = /[\p{Mn}\p{Me}]/u;
const columnsOf = (character: string): number => (NO_COLUMN.test(character) ? 0 : WIDE.test(character) ? 2 : 1);

/** At most so many columns; what is cut off leaves an ellipsis. */
export function clip(text: string, columns: number): string {
  let used = 0;
  let kept = '';
  let keptBeforeLast = '';
  for (const character of text) {
    used += columnsOf(character);
    if (used > columns) return columns > 0 ? `${keptBeforeLast}…` : '';
    kept += character;
    if (used < columns) keptBeforeLast = kept;
  }
  return kept;
}

function pad(text: string, columns: number): string {
  const cut = clip(text, columns);
  const used = [...cut].reduce((sum, character) => sum + columnsOf(character), 0);
  return cut + ' '.repeat(Math.max(0, columns - used));
}
