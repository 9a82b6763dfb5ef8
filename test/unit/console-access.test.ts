/** FAULTS 65, 63: who gets into a console, what they may do there, and what it says to those who may not. */
import { expect } from 'chai';
import { isOwnHost } from '../../shared/ops/console/origin.js';
import { Sessions } from '../../shared/ops/console/sessions.js';
import { Throttle } from '../../shared/ops/console/throttle.js';
import { languageOf } from '../../shared/ops/console/words.js';
import { lowStatus, TestConsole, TOKEN } from '../support/console.js';

const BEARER = { authorization: `Bearer ${TOKEN}` };

describe('console: access', () => {
  let served: TestConsole;

  afterEach(async () => served?.end());

  it('FAULTS 65: leads people to the login and tells scripts 401, before it looks whether there is such a thing', async () => {
    served = await TestConsole.open();
    for (const path of ['/', '/boards/', '/boards/queue/scan', '/nothing', '/boards/static/js/main.js']) {
      const { status, headers, body } = await served.send('GET', path);
      expect([status, headers.location, body], path).to.deep.equal([303, '/login', '']);
    }
    for (const path of ['/api/status', '/api/nothing', '/boards/api/queues', '/boards/api/queues/scan/1']) {
      const { status, body } = await served.send('GET', path);
      expect(status, path).to.equal(401);
      expect(JSON.parse(body).status).to.equal(401);
    }
    expect(served.questions, 'nothing was asked').to.deep.equal([]);
    for (const [path, status] of [
      ['/api/status', 200],
      ['/boards/api/queues', 200],
      ['/api/nothing', 404],
    ] as const) {
      expect((await served.send('GET', path, BEARER)).status, path).to.equal(status);
    }
    const wrong = { authorization: `Bearer ${TOKEN}x` };
    expect((await served.send('GET', '/api/status', wrong)).status).to.equal(401);
  });

  it('logs in with the token and a name by a plain form, in both languages, and out again', async () => {
    served = await TestConsole.open();
    const page = await served.send('GET', '/login', { 'accept-language': 'fr-LU,en' });
    expect(page.body).to.include('<html lang="fr">').and.include('Jeton').and.not.include('<script');
    expect((await served.send('GET', '/login')).body).to.include('<html lang="en">');
    expect((await served.login({ token: TOKEN, who: ' ' })).status, 'without a name').to.equal(400);
    const { status, headers } = await served.login({ token: ` ${TOKEN}\n`, who: 'eve' });
    expect([status, headers.location]).to.deep.equal([303, '/']);
    const set = String(headers['set-cookie']);
    expect(set).to.match(/^sluice-low-\d+=[\w-]{43}; /);
    for (const part of ['HttpOnly', 'SameSite=Strict', 'Path=/', 'Max-Age=60']) expect(set).to.include(part);
    const cookie = set.split(';', 1)[0]!;
    const home = await served.send('GET', '/', { cookie });
    expect(home.status).to.equal(200);
    expect(home.body).to.include('<strong>eve</strong>').and.include('http-equiv="refresh"');
    expect((await served.send('GET', '/?refresh=off', { cookie })).body).not.to.include('http-equiv="refresh"');
    expect((await served.send('POST', '/logout', { cookie, origin: served.url })).status).to.equal(303);
    expect((await served.send('GET', '/', { cookie })).status, 'the session is over').to.equal(303);
  });

  it('FAULTS 65: a session cannot be chosen by whoever plants one, is new at each login, and ends by itself', async () => {
    served = await TestConsole.open();
    const first = await served.cookie();
    const planted = first.replace(/=.*/, `=${'A'.repeat(43)}`);
    const { headers } = await served.login({ token: TOKEN, who: 'eve' }, { cookie: planted });
    expect(String(headers['set-cookie'])).not.to.include('A'.repeat(43));
    expect((await served.send('GET', '/', { cookie: planted })).status).to.equal(303);
    const again = await served.login({ token: TOKEN, who: 'eve' }, { cookie: first });
    expect((await served.send('GET', '/', { cookie: first })).status, 'the one before').to.equal(303);
    const cookie = String(again.headers['set-cookie']).split(';', 1)[0]!;
    expect((await served.send('GET', '/', { cookie })).status).to.equal(200);
    served.nowMs += 60_001;
    expect((await served.send('GET', '/', { cookie })).status, 'after its lifetime').to.equal(303);
  });

  it('FAULTS 65: whoever tries tokens is slowed down, limited, and told of; the right token still gets in', async () => {
    let nowMs = 0;
    const alarms: string[] = [];
    const throttle = new Throttle(
      () => nowMs,
      (times, address) => alarms.push(`${times} ${address}`),
    );
    expect(throttle.delayMs('a')).to.equal(0);
    const delays = Array.from({ length: 8 }, () => {
      throttle.failed('a');
      return throttle.delayMs('a');
    });
    expect(delays).to.deep.equal([100, 200, 400, 800, 1_600, 3_000, 3_000, 3_000]);
    expect(throttle.delayMs('b'), 'an innocent').to.equal(0);
    for (let i = 0; i < 30; i++) throttle.failed(`c${i}`);
    expect(throttle.delayMs('b'), 'many addresses together').to.be.within(100, 800);
    expect(alarms).to.deep.equal(['10 c1', '20 c11', '30 c21']);
    throttle.succeeded('a');
    expect(throttle.delayMs('a')).to.be.below(1_000);
    nowMs += 16 * 60_000;
    expect(throttle.delayMs('b')).to.equal(0);

    served = await TestConsole.open();
    const begunMs = performance.now();
    expect((await served.login({ token: 'wrong', who: 'eve' })).status).to.equal(401);
    expect((await served.login({ token: 'wrong', who: 'eve' })).status).to.equal(401);
    expect((await served.login({ token: TOKEN, who: 'eve' })).status).to.equal(303);
    expect(performance.now() - begunMs).to.be.above(290);
    const statuses = await Promise.all(
      Array.from({ length: 25 }, async () => (await served.login({ token: TOKEN, who: 'x' })).status),
    );
    expect(statuses.filter((status) => status === 429).length, 'more than twenty a minute').to.be.above(3);
  });

  it('FAULTS 65: refuses names that are not its own: a page that is made to resolve to it sees nothing', async () => {
    served = await TestConsole.open();
    for (const host of [
      'evil.example',
      `evil.example:${served.port}`,
      '127.0.0.1',
      '127.0.0.1:1',
      `[::1]:${served.port}`,
    ]) {
      const { status, body } = await served.send('GET', '/login', { host });
      expect(status, host).to.equal(421);
      expect(body).not.to.include('form');
    }
    for (const name of ['localhost', '127.0.0.1']) {
      expect((await served.send('GET', '/login', { host: `${name}:${served.port}` })).status, name).to.equal(200);
    }
    const everywhere = { host: '0.0.0.0', port: 8080 };
    expect(isOwnHost('10.0.0.7:8080', everywhere)).to.equal(true);
    expect(isOwnHost('rebound.example:8080', everywhere)).to.equal(false);
    expect(isOwnHost('10.0.0.7', { host: '10.0.0.7', port: 80 })).to.equal(true);
    expect(isOwnHost(undefined, everywhere)).to.equal(false);
  });

  it('FAULTS 65: a write that does not come from one of its own pages is refused, whatever cookie comes with it', async () => {
    served = await TestConsole.open({ readOnly: false });
    const cookie = await served.cookie();
    const path = '/boards/api/queues/scan/pause';
    const elsewhere: Record<string, string>[] = [
      {},
      { origin: 'http://evil.example' },
      { origin: 'null' },
      { origin: `http://127.0.0.1:${served.port + 1}` },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ];
    for (const headers of elsewhere) {
      expect((await served.send('PUT', path, { cookie, ...headers })).status, JSON.stringify(headers)).to.equal(403);
    }
    const forged = await served.login({ token: TOKEN, who: 'eve', why: 'x' }, { origin: 'http://evil.example' });
    expect(forged.status, 'login forced on somebody').to.equal(403);
    expect(served.acts).to.deep.equal([]);
    expect((await served.send('PUT', path, { cookie, origin: served.url })).status).to.equal(200);
    expect((await served.send('PUT', path, { cookie, 'sec-fetch-site': 'same-origin' })).status).to.equal(200);
    const script = { ...BEARER, 'x-sluice-why': 'nightly' };
    expect((await served.send('PUT', path, script)).status, 'a script').to.equal(200);
    expect((await served.send('PUT', path, { ...script, 'x-sluice-who': 'cron of eve' })).status).to.equal(200);
    const silent = await served.send('PUT', path, { ...BEARER, 'x-sluice-why': '  ' });
    expect([silent.status, silent.body], 'a script without a reason').to.satisfy(
      ([status, body]: [number, string]) => status === 422 && body.includes('X-Sluice-Why'),
    );
    expect(served.acts.slice(2).map(({ who, why }) => [who, why])).to.deep.equal([
      ['a script with the token', 'nightly'],
      ['cron of eve', 'nightly'],
    ]);
  });

  it('records the reason of the moment: it can be changed within a session, not to none', async () => {
    served = await TestConsole.open({ readOnly: false });
    const cookie = await served.cookie();
    const own = { cookie, origin: served.url };
    const form = { ...own, 'content-type': 'application/x-www-form-urlencoded' };
    const pause = () => served.send('PUT', '/boards/api/queues/scan/pause', own);
    await pause();
    expect((await served.send('POST', '/why', form, 'why=%20')).status).to.equal(303);
    await pause();
    expect((await served.send('POST', '/why', form, 'why=the+disk+is+new')).status).to.equal(303);
    await pause();
    const reasons = served.acts.map(({ why }) => why);
    expect(reasons[0]).to.equal(reasons[1]).and.not.equal('');
    expect(reasons[2]).to.equal('the disk is new');
    expect((await served.send('GET', '/', { cookie })).body)
      .to.contain('the disk is new')
      .and.not.contain('<input');
    expect((await served.send('GET', '/?refresh=off', { cookie })).body).to.contain('value="the disk is new"');
    const foreign = await served.send('POST', '/why', { ...form, origin: 'http://evil.example' }, 'why=x');
    expect(foreign.status).to.equal(403);
  });

  it('only shows unless it is told otherwise, and says so with 405', async () => {
    served = await TestConsole.open();
    const cookie = await served.cookie();
    for (const [method, path] of [
      ['PUT', 'scan/pause'],
      ['PUT', 'pause'],
      ['PUT', 'scan/1/retry'],
      ['PUT', 'scan/obliterate'],
      ['POST', 'scan/add'],
      ['PATCH', 'scan/1/update-data'],
    ] as const) {
      const { status } = await served.send(method, `/boards/api/queues/${path}`, { cookie, origin: served.url });
      expect(status, path).to.equal(405);
    }
    expect(served.acts).to.deep.equal([]);
    const { body } = await served.send('GET', '/boards/api/queues', { cookie });
    for (const queue of JSON.parse(body).queues) expect(queue.readOnlyMode).to.equal(true);
  });

  it("where it may act, the board's buttons are acts with who and why, and what is not an act is refused", async () => {
    served = await TestConsole.open({ readOnly: false });
    expect((await served.login({ token: TOKEN, who: 'eve' })).status, 'no reason given').to.equal(400);
    const cookie = await served.cookie({ who: 'eve', why: 'disk was full' });
    const put = (path: string) => served.send('PUT', `/boards/api/queues/${path}`, { cookie, origin: served.url });
    const wanted: Record<string, [string, string]> = {
      pause: ['pause', 'all'],
      'scan/pause': ['pause', 'scan'],
      'scan/resume': ['resume', 'scan'],
      'scan/retry/failed': ['retry', 'scan'],
      'scan/17/retry': ['retry', 'scan/17'],
      'scan/promote': ['promote', 'scan'],
      'scan/17/promote': ['promote', 'scan/17'],
      'scan/clean/wait': ['clean', 'scan waiting'],
      'scan/clean/failed': ['clean', 'scan failed'],
      'scan/empty': ['clean', 'scan waiting'],
      'scan/17/clean': ['discard', 'scan/17'],
    };
    for (const [path, [kind, argument]] of Object.entries(wanted)) {
      expect((await put(path)).status, path).to.equal(200);
      expect(served.acts.pop()).to.deep.equal({ kind, argument, who: 'eve', why: 'disk was full' });
    }
    expect(JSON.parse((await put('scan/retry/failed')).body)).to.deep.equal({ retried: 2, skipped: 0 });
    served.acts.length = 0;
    for (const path of ['scan/obliterate', 'scan/retry/completed', 'scan/concurrency', 'scan/rate-limit']) {
      expect((await put(path)).status, path).to.equal(403);
    }
    expect(served.acts).to.deep.equal([]);
    served.actAnswer = 'no: scan/17 is not a failed job.';
    const refused = await put('scan/17/retry');
    expect(refused.status).to.equal(409);
    expect(refused.body).to.include('scan/17 is not a failed job.');
    served.actAnswer = undefined;
    const broken = await put('scan/pause');
    expect(broken.status, 'it could not be recorded').to.equal(500);
    expect(broken.body).not.to.include('/a/path');
  });

  it('FAULTS 65: errors tell nothing about the inside, however a request is broken', async () => {
    served = await TestConsole.open({ readOnly: false });
    const answers = [
      await served.send('GET', '/boards/%00', BEARER),
      await served.send('GET', '/boards/static/../../../../../../etc/passwd', BEARER),
      await served.send('GET', '/boards/static/%2e%2e/%2e%2e/index.ejs', BEARER),
      await served.send('GET', '/%ff', BEARER),
      await served.send('GET', `/boards/api/queues/${'x'.repeat(5_000)}`, BEARER),
      await served.send('PUT', '/boards/api/queues/scan/add', { ...BEARER, 'content-type': 'application/json' }, '{"a'),
      await served.send('POST', '/login', { ...BEARER, 'content-type': 'text/plain' }, 'x'),
      await served.login({ token: 'x'.repeat(20_000), who: 'x' }),
      await served.send('GET', '/boards/api/queues/nosuch/1', BEARER),
    ];
    for (const [i, { status, body }] of answers.entries()) {
      expect(status, `request ${i}: ${body}`).to.be.within(400, 499);
      expect(body).not.to.match(/node_modules|\.js\b|\bat \w+ \(|root:|<%/);
      if (!body.startsWith('<!DOCTYPE')) expect(body.length).to.be.below(300);
    }
  });

  it('FAULTS 63: names and alarms are text on its own pages, whatever they hold', async () => {
    const hostile = `<script>alert(1)</script>"'&\u202egpj.exe\r\nx`;
    const alarm = {
      code: 'SPOOL_FULL',
      severity: 'alarm',
      words: hostile,
      remedy: hostile,
      sinceMs: 0,
      lastMs: 0,
      count: 2,
    };
    const status = lowStatus({ alarms: [alarm] as never });
    served = await TestConsole.open({ status });
    const cookie = await served.cookie({ who: hostile });
    const { body, headers } = await served.send('GET', '/', { cookie });
    expect(body).to.include('&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;\ufffdgpj.exe');
    expect(body).not.to.match(/<script|\u202e/);
    expect(String(headers['content-security-policy'])).to.include("default-src 'none'").and.not.include('unsafe');
    const again = await served.login({ token: 'wrong', who: '"><script>' });
    expect(again.body).to.include('value="&quot;&gt;&lt;script&gt;"');
    expect(body).to.not.match(/delivered/i);
  });

  it('the other languages and sessions have their bounds', () => {
    expect(languageOf('xx', undefined)).to.equal('en');
    expect(languageOf(['fr'], 'en')).to.equal('en');
    let nowMs = 0;
    const sessions = new Sessions(TOKEN, 1_000, () => nowMs);
    const ids = Array.from({ length: 70 }, (_, i) => sessions.begin({ who: `${i}`, why: '' }));
    expect(sessions.of(ids[0]), 'the oldest made room').to.equal(undefined);
    expect(sessions.of(ids[69])).to.include({ who: '69' });
    expect(sessions.isToken('')).to.equal(false);
    nowMs += 1_000;
    expect(sessions.of(ids[69])).to.equal(undefined);
  });
});

describe('console: health', () => {
  let served: TestConsole;

  afterEach(async () => served.end());

  it('tells machines on this one without a login, with reasons when the side cannot do its work', async () => {
    served = await TestConsole.open({ status: lowStatus({ stages: [] }) });
    const get = async (path: string) => {
      const { status, body } = await served.send('GET', path);
      return { status, body };
    };
    expect((await get('/healthz')).status).to.equal(200);
    expect((await get('/readyz')).status).to.equal(200);
    expect(await get('/metrics')).to.deep.equal({ status: 200, body: 'sluice_up 1\n' });
    served.status = lowStatus({ processes: [{ name: 'sender', pid: 0 }] });
    const { status, body } = await get('/readyz');
    expect(status).to.equal(503);
    expect(JSON.parse(body).reasons).to.deep.equal([
      'The stage scan is paused.',
      'CHILD_FAILED: The sender process does not run.',
    ]);
    expect((await get('/healthz')).status, 'alive all the same').to.equal(200);
    served.ageMs = 5_001;
    expect((await get('/healthz')).status, 'the supervisor is silent').to.equal(503);
    served.status = undefined;
    for (const path of ['/healthz', '/readyz', '/metrics']) expect((await get(path)).status, path).to.equal(503);
  });

  it('FAULTS 65: wants the token for them when it listens beyond this machine', async () => {
    served = await TestConsole.open({ host: '0.0.0.0' });
    for (const path of ['/healthz', '/readyz', '/metrics']) {
      expect((await served.send('GET', path)).status, path).to.equal(401);
      expect((await served.send('GET', path, BEARER)).status, path).to.be.oneOf([200, 503]);
    }
  });
});
