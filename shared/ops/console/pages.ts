/** The console's own pages: login and overview. Plain HTML that works without scripts; the boards are bull-board's. */
import { formatDuration, formatSize } from '../../core/units.js';
import type { ActiveAlarm, SideStatus, StageStatus, TenantStatus } from '../health/status.js';
import { type Html, html, NOTHING } from './html.js';
import type { Operator } from './sessions.js';
import { type Language, type Words, wordsIn } from './words.js';

interface PageFrame {
  side: 'low' | 'high';
  language: Language;
  /** Path of this page, to come back to in the other language. */
  path: string;
  refreshSeconds?: number;
}

function page(frame: PageFrame, title: string, body: Html): string {
  const { side, language, path, refreshSeconds } = frame;
  const words = wordsIn(language);
  const other = language === 'fr' ? 'en' : 'fr';
  const name = side === 'low' ? words.lowSide : words.highSide;
  return html`<!DOCTYPE html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} - Sluice, ${name}</title>
${refreshSeconds === undefined ? NOTHING : html`<meta http-equiv="refresh" content="${refreshSeconds}">`}
<link rel="icon" href="/console.svg">
<link rel="stylesheet" href="/console.css">
</head>
<body class="${side}">
<header><h1>Sluice <span class="side">${name}</span></h1>
<a href="${path}?lang=${other}" hreflang="${other}" lang="${other}">${words.language}</a></header>
<main>${body}</main>
</body>
</html>`.text;
}

export interface LoginPage {
  side: 'low' | 'high';
  language: Language;
  readOnly: boolean;
  problem?: 'wrongToken' | 'nameMissing' | 'whyMissing';
  /** As typed before. */
  who?: string;
}

export function loginPage({ side, language, readOnly, problem, who = '' }: LoginPage): string {
  const words = wordsIn(language);
  const why = html`<label for="why">${words.why}</label>
<input id="why" name="why" maxlength="500" required aria-describedby="why-help">
<p id="why-help" class="help">${words.whyHelp}</p>`;
  return page(
    { side, language, path: '/login' },
    words.login,
    html`<h2>${words.console}</h2>
${problem ? html`<p class="problem" role="alert">${words[problem]}</p>` : NOTHING}
<form method="post" action="/login?lang=${language}">
<label for="token">${words.token}</label>
<input id="token" name="token" type="password" autocomplete="off" maxlength="200" required autofocus aria-describedby="token-help">
<p id="token-help" class="help">${words.tokenHelp}</p>
<label for="who">${words.name}</label>
<input id="who" name="who" maxlength="100" required autocomplete="name" value="${who}">
${readOnly ? NOTHING : why}
<button type="submit">${words.login}</button>
</form>`,
  );
}

export interface OverviewPage {
  side: 'low' | 'high';
  language: Language;
  readOnly: boolean;
  operator: Operator;
  status: SideStatus | undefined;
  /** Since the supervisor last said how it stands. */
  ageMs: number;
  refresh: boolean;
}

const REFRESH_SECONDS = 5;
const STALE_MS = 5_000;

export function overviewPage(view: OverviewPage): string {
  const { side, language, readOnly, operator, status, ageMs, refresh } = view;
  const words = wordsIn(language);
  const frame: PageFrame = { side, language, path: '/', ...(refresh ? { refreshSeconds: REFRESH_SECONDS } : {}) };
  const refreshing = refresh
    ? html`${words.refreshing} <a href="/?lang=${language}&amp;refresh=off">${words.stopRefreshing}</a>`
    : html`<a href="/?lang=${language}">${words.startRefreshing}</a>`;
  const another = html`<form method="post" action="/why"><label for="why">${words.whyNow}</label>
<input id="why" name="why" maxlength="500" required value="${operator.why}" aria-describedby="why-help">
<p id="why-help" class="help">${words.whyHelp}</p>
<button type="submit" class="plain">${words.changeWhy}</button></form>`;
  // A page that is loaded anew would take away what somebody is typing.
  const toReason = html`<p class="help">${words.whyNow}: ${operator.why}
<a href="/?lang=${language}&amp;refresh=off#why">${words.changeWhy}</a></p>`;
  return page(
    frame,
    words.console,
    html`<p class="bar">${words.operator} <strong>${operator.who}</strong>.
<a href="/boards/">${words.boards}</a></p>
<form method="post" action="/logout"><button type="submit" class="plain">${words.logout}</button></form>
<p class="help">${readOnly ? words.readOnly : words.acting}</p>
${readOnly ? NOTHING : refresh ? toReason : another}
${status ? statusParts(status, ageMs, words) : html`<p role="status">${words.noStatus}</p>`}
<p class="help">${refreshing}</p>`,
  );
}

function statusParts(status: SideStatus, ageMs: number, words: Words): Html {
  const stale = html`<p class="problem" role="alert">${words.stale} ${formatDuration(ageMs)}.</p>`;
  const store = status.queueStore;
  return html`${ageMs > STALE_MS ? stale : NOTHING}
<section aria-labelledby="alarms"><h2 id="alarms">${words.alarms}</h2>${alarms(status.alarms, words)}</section>
<section aria-labelledby="link"><h2 id="link">${words.link}</h2><p>${linkWords(status, words)}</p></section>
<section aria-labelledby="stages"><h2 id="stages">${words.stages}</h2>
${stages(status.stages, words)}
<p class="help">${words.queueStore}: ${store.description}${store.isUp ? '' : `; ${words.storeAway}`}</p></section>
<section aria-labelledby="tenants"><h2 id="tenants">${words.tenants}</h2>${tenants(status.tenants, words)}</section>`;
}

function alarms(active: readonly ActiveAlarm[], words: Words): Html {
  if (active.length === 0) return html`<p>${words.noAlarms}</p>`;
  const items = active.map(
    ({ code, severity, words: what, remedy, sinceMs, count }) => html`<li class="${severity}">
<strong>${code}</strong>${count > 1 ? ` (${count})` : ''}: ${what}
<br><span class="help">${words.since} <time>${new Date(sinceMs).toISOString()}</time>. ${words.remedy}: ${remedy}</span></li>`,
  );
  return html`<ul class="alarms">${items}</ul>`;
}

function linkWords(status: SideStatus, words: Words): Html {
  if (status.side === 'high') {
    return html`${status.link.isSilent ? words.linkSilent : words.linkAlive} ${megabits(status.link.bitsPerSecond)}`;
  }
  const held = status.heldBack === '' ? NOTHING : html`<br>${words.heldBack} ${status.heldBack}`;
  return html`${megabits(status.link.bitsPerSecond)}; ${formatSize(status.link.bytesSent)} ${words.linkSending}${held}`;
}

const megabits = (bps: number): string => `${(bps / 1e6).toFixed(1)} Mbps`;

function stages(rows: readonly StageStatus[], words: Words): Html {
  const lines = rows.map(
    ({ name, waiting, active, delayed, failed, isPaused }) => html`<tr><th scope="row"><a
href="/boards/queue/${name}">${name}</a></th><td>${waiting}</td><td>${active}</td><td>${delayed}</td>
<td${failed > 0 ? html` class="failed"` : NOTHING}>${failed}</td><td${isPaused ? html` class="paused"` : NOTHING}>${
      isPaused ? words.paused : words.running
    }</td></tr>`,
  );
  return html`<table><thead><tr><th scope="col">${words.stage}</th><th scope="col">${words.waiting}</th>
<th scope="col">${words.active}</th><th scope="col">${words.delayed}</th><th scope="col">${words.failed}</th><td></td></tr></thead>
<tbody>${lines}</tbody></table>`;
}

function tenants(rows: readonly TenantStatus[], words: Words): Html {
  const lines = rows.map(({ name, inside, oldest, states }) => {
    const waits = oldest ? `${formatDuration(oldest.ageMs)} (${oldest.state})` : '';
    const counts = Object.entries(states).map(([state, { objects }]) => `${objects} ${state}`);
    return html`<tr><th scope="row">${name}</th><td>${inside.objects} (${formatSize(inside.bytes)})</td><td>${waits}</td>
<td>${counts.join(', ')}</td></tr>`;
  });
  return html`<table><thead><tr><th scope="col">${words.tenant}</th><th scope="col">${words.inside}</th>
<th scope="col">${words.oldest}</th><th scope="col">${words.states}</th></tr></thead><tbody>${lines}</tbody></table>`;
}

export const STYLE = `
:root { color-scheme: light dark; --accent: #1d5fa8; --bad: #b3261e; --line: #8886; }
.high { --accent: #5b3a9e; }
@media (prefers-color-scheme: dark) { :root { --accent: #7ab2f5; --bad: #ff8a80; } .high { --accent: #b79cf2; } }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 68rem; padding: 0 1rem 2rem; }
header { display: flex; justify-content: space-between; align-items: baseline; border-bottom: 3px solid var(--accent); }
h1 { font-size: 1.3rem; } h2 { font-size: 1.1rem; margin-bottom: .3rem; } .side { color: var(--accent); }
label { display: block; font-weight: 600; margin-top: 1rem; }
input { font: inherit; padding: .4rem; width: min(30rem, 100%); box-sizing: border-box; }
button { font: inherit; margin-top: 1rem; padding: .4rem 1.2rem; }
button.plain { margin: 0; }
.help { color: #666; margin: .2rem 0; } @media (prefers-color-scheme: dark) { .help { color: #aaa; } }
.problem, td.failed, .alarms .alarm strong, .alarms .error strong { color: var(--bad); font-weight: 600; }
td.paused { font-weight: 600; }
table { border-collapse: collapse; width: 100%; } th, td { border-bottom: 1px solid var(--line); padding: .3rem .6rem; text-align: start; }
td { overflow-wrap: anywhere; } a { color: var(--accent); }
`;

export const ICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path d="M2 2h4v12H2zM10 2h4v12h-4zM6 7h3l-1-2 3 3-3 3 1-2H6z" fill="#1d5fa8"/></svg>';
