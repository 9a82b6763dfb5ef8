/**
 * The consoles as an operator meets them: in a real browser, on real sides. FAULTS 63 and 65 where only a browser can
 * tell, and that nothing is asked of any other host.
 */
import * as fs from 'node:fs';
import { expect } from 'chai';
import { type Browser, chromium, type Page } from 'playwright-core';
import type { ShownJob } from '../../shared/ops/queues/desk.js';
import { lowStatus, TestConsole, TOKEN } from '../support/console.js';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(fs.existsSync);
const HOSTILE = '<script>document.title="taken"</script><img src=x onerror=alert(1)>"\u202egpj.exe\r\nSet-Cookie: a=b';

const job = (more: Partial<ShownJob> = {}): ShownJob => ({
  id: '17',
  key: '0123456789abcdef',
  title: `town: ${HOSTILE}`,
  data: { transfers: ['0123456789abcdef', HOSTILE] },
  progress: 42,
  attempts: 3,
  attemptsMax: 1000,
  addedMs: Date.now() - 60_000,
  startedMs: Date.now() - 50_000,
  endedMs: Date.now() - 40_000,
  delayMs: 0,
  reason: `SCAN_CRASHED: The scanner stopped while it looked at this file. ${HOSTILE}`,
  stack: [],
  ...more,
});

describe('consoles in a browser', function () {
  this.timeout(90_000);
  let browser: Browser;
  let served: TestConsole;
  let page: Page;
  /** Requests that left the origin; what the content policy refused; errors of scripts. */
  let foreign: string[];
  let violations: string[];
  let errors: string[];

  before(async function () {
    if (!CHROMIUM) {
      process.stderr.write('      no chromium on this machine: the consoles are not looked at in a browser\n');
      return this.skip();
    }
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] });
  });
  after(async () => browser?.close());

  const open = async (setUp: Parameters<typeof TestConsole.open>[0] = {}) => {
    served = await TestConsole.open(setUp);
    const context = await browser.newContext({ locale: 'en-GB' });
    page = await context.newPage();
    foreign = [];
    violations = [];
    errors = [];
    page.on('request', (request) => {
      if (!request.url().startsWith(served.url) && !request.url().startsWith('data:')) foreign.push(request.url());
    });
    page.on('console', (message) => {
      if (/content.security.policy/i.test(message.text())) violations.push(message.text());
    });
    page.on('pageerror', (error) => errors.push(error.message));
    page.on('dialog', (dialog) => {
      errors.push(`dialog ${dialog.message()}`);
      void dialog.dismiss();
    });
  };
  afterEach(async () => {
    await page?.context().close();
    await served?.end();
  });

  const login = async () => {
    await page.goto(`${served.url}/boards/`);
    await page.fill('#token', TOKEN);
    await page.fill('#who', `eve ${HOSTILE}`.replaceAll(/[\r\n]/g, ' '));
    if (await page.$('#why')) await page.fill('#why', 'a test');
    await page.click('button');
    await page.waitForURL(`${served.url}/`);
  };

  it('FAULTS 63, 65: login, overview and boards: nothing from elsewhere, hostile names are text', async () => {
    await open({ jobs: [job()], log: [`a line ${HOSTILE}`], status: lowStatus() });
    await login();
    expect(await page.textContent('h1')).to.include('low side');
    expect(await page.textContent('table'))
      .to.include('scan')
      .and.include('paused');

    await page.click('a[href="/boards/queue/scan"]');
    await page.getByText('town:').first().waitFor();
    // Queues are named as the stages.
    for (const stage of ['scan', 'send']) expect(await page.getByText(stage, { exact: true }).count()).to.be.above(0);
    const shown = await page.innerText('body');
    expect(shown).to.include('<script>document.title="taken"</script>');

    await page.goto(`${served.url}/boards/queue/scan/17`);
    await page.getByText('town:').first().waitFor();
    await page
      .getByText(/SCAN_CRASHED/)
      .first()
      .waitFor();
    for (const tab of ['Logs', 'Data', 'Error']) {
      const button = page.getByRole('button', { name: tab, exact: true }).or(page.getByRole('tab', { name: tab }));
      if ((await button.count()) > 0) await button.first().click();
      if (tab === 'Logs') await page.getByText('a line').first().waitFor();
    }
    expect(await page.title()).not.to.include('taken');
    expect(await page.$$eval('img[src="x"]', (found) => found.length)).to.equal(0);
    expect(foreign, 'requests to other hosts').to.deep.equal([]);
    expect(errors, 'errors of scripts').to.deep.equal([]);
    expect(violations, 'refused by the content policy').to.deep.equal([]);
  });

  it('works without scripts: login, overview, log out', async () => {
    served = await TestConsole.open();
    const context = await browser.newContext({ javaScriptEnabled: false });
    page = await context.newPage();
    await page.goto(served.url);
    await page.fill('#token', 'wrong');
    await page.fill('#who', 'eve');
    await page.click('button');
    expect(await page.textContent('[role=alert]')).to.include('not the token');
    expect(await page.inputValue('#who')).to.equal('eve');
    await page.fill('#token', TOKEN);
    await page.click('button');
    await page.waitForURL(`${served.url}/`);
    expect(await page.textContent('main'))
      .to.include('eve')
      .and.include('town');
    await page.click('button');
    await page.waitForURL(`${served.url}/login`);
  });

  it('FAULTS 65: another page of the same machine can neither read it nor make it act', async () => {
    await open({ readOnly: false, jobs: [job()] });
    await login();
    const other = await TestConsole.open();
    try {
      await page.goto(`${other.url}/login`);
      const outcome = await page.evaluate(async (target) => {
        const tell = async (init: RequestInit, path: string) =>
          fetch(`${target}${path}`, { credentials: 'include', ...init }).then(
            (response) => `${response.type} ${response.status}`,
            () => 'refused',
          );
        return [
          await tell({}, '/boards/api/queues'),
          await tell({ method: 'PUT' }, '/boards/api/queues/scan/pause'),
          await tell({ method: 'POST', mode: 'no-cors' }, '/logout'),
        ];
      }, served.url);
      // The policy of that page refuses them itself; a page without one is held off by cookie, origin and missing CORS.
      expect(outcome).to.deep.equal(['refused', 'refused', 'refused']);
      expect(served.acts).to.deep.equal([]);
      const form = `<form id=f method=post action="${served.url}/logout"></form>`;
      await page.goto(`data:text/html,${encodeURIComponent(form)}`);
      await page.evaluate('document.getElementById("f").submit()');
      await page.waitForURL(`${served.url}/logout`);
      expect(await page.textContent('body')).to.include('403');
      await page.goto(served.url);
      expect(await page.textContent('main'), 'still logged in').to.include('eve');
    } finally {
      await other.end();
    }
  });

  it('an operator who may act pauses a stage and retries from the board: an act with name and reason', async () => {
    await open({ readOnly: false, jobs: [job()] });
    await login();
    await page.goto(`${served.url}/boards/queue/scan/17`);
    await page.getByText('town:').first().waitFor();
    // The first button of the job's own card; it has a picture and no name.
    await page.getByText('#17').locator('xpath=ancestor::*[.//button][1]').locator('button').first().click();
    await page.getByRole('button', { name: /confirm/i }).click();
    const untilMs = performance.now() + 5_000;
    while (served.acts.length === 0 && performance.now() < untilMs) await page.waitForTimeout(50);
    expect(served.acts.map(({ kind, argument, why }) => [kind, argument, why])).to.deep.equal([
      ['retry', 'scan/17', 'a test'],
    ]);
    await page.goto(`${served.url}/boards/queue/scan`);
    await page.getByText('town:').first().waitFor();
    await page.locator('button[aria-haspopup=menu]').last().click();
    await page.getByRole('menuitem', { name: /pause/i }).waitFor();
    expect(await page.getByRole('menuitem', { name: /obliterate/i }).isVisible(), 'not offered').to.equal(false);
    await page.getByRole('menuitem', { name: /pause/i }).click();
    const confirm = page.getByRole('button', { name: /confirm/i });
    await confirm.click();
    await confirm.waitFor({ state: 'hidden' });
    expect(served.acts.at(-1)).to.include({ kind: 'pause', argument: 'scan', why: 'a test' });
    expect(violations).to.deep.equal([]);
    expect(foreign).to.deep.equal([]);
  });
});
