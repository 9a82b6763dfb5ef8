/**
 * FAULTS 66: both sides at work, as chatty as they can be, with a password to their Redis. Afterwards none of their
 * secrets is in anything that was written or said, nor in the environment or command line of any process.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { toYaml } from '../../shared/ops/config/load.js';
import { inWorkplace, type RunFile, type Workplace } from '../support/cli.js';
import { RedisProcess, skipWithoutRedis, stopRedisProcesses } from '../support/redisServers.js';
import { drop, inState, ready, type Sides, setUpSidesQuickly, startHigh, startLow } from '../support/sides.js';

const PASSWORD = 'hunter2-of-the-low-side';

describe('FAULTS 66: secrets of running sides', function () {
  this.timeout(120_000);
  before(skipWithoutRedis);
  after(stopRedisProcesses);

  it('are in no file, output, environment or command line', () =>
    inWorkplace(async (place) => {
      const sides = setUpSidesQuickly(place);
      const passwordFile = join(place.base, 'keys', 'redis.password');
      fs.writeFileSync(passwordFile, `${PASSWORD}\n`, { mode: 0o600 });
      const redis = await RedisProcess.start(['--requirepass', PASSWORD, '--maxmemory-policy', 'noeviction'], {
        password: PASSWORD,
      });
      const secrets = secretsOf(sides);
      configure(sides, 'high', { link: { listen: '127.0.0.1:0' } });
      const high = startHigh(place, sides);
      const { port } = await ready(high);
      configure(sides, 'low', {
        link: { target: `127.0.0.1:${port}` },
        queues: { store: 'redis', redisUrl: redis.url, redisPasswordFile: passwordFile },
      });
      const low = startLow(place, sides);
      await ready(low);
      drop(sides, 'letter.txt', 'Dear all');
      await high.until(() => inState(high, 'released').length > 0, 'a release');

      for (const { words, where } of wordsOfProcesses(sides)) expectNone(secrets, words, where);
      // What goes wrong is where a secret would come out.
      await redis.kill();
      drop(sides, 'second.txt', 'Dear all again');
      await low.line(({ code }) => code === 'QUEUE_STORE_UNAVAILABLE', 'the alarm');
      for (const run of [low, high]) {
        const { stdout, stderr } = await run.stop();
        expectNone(secrets, Buffer.from(stdout + stderr), 'what was said');
      }
      const files = filesBelow(place);
      expect(files.length).to.be.above(10);
      for (const file of files) expectNone(secrets, fs.readFileSync(file), file);
    }));

  it('in files that others can read end the start of either side', () =>
    inWorkplace(async (place) => {
      const sides = setUpSidesQuickly(place);
      const passwordFile = join(place.base, 'keys', 'redis.password');
      fs.writeFileSync(passwordFile, PASSWORD, { mode: 0o644 });
      const queues = { store: 'redis', redisUrl: 'redis://127.0.0.1:1', redisPasswordFile: passwordFile };
      configure(sides, 'low', { link: { target: '127.0.0.1:1' }, queues });
      configure(sides, 'high', { link: { listen: '127.0.0.1:0' }, queues });
      for (const start of [startLow, startHigh]) {
        const { code, stderr } = await start(place, sides).ended;
        expect(code, stderr).to.equal(3);
        expect(stderr).to.include('KEY_EXPOSED').and.to.include(passwordFile);
        expect(stderr).not.to.include(PASSWORD);
      }
    }));
});

function configure(sides: Sides, side: 'low' | 'high', more: object): void {
  const { keys } = sides;
  const own =
    side === 'low'
      ? {
          tenants: { town: { share: sides.share } },
          keys: { signing: join(keys, 'signing.key'), link: join(keys, 'link.key') },
          intake: { pollInterval: '50ms', holdTime: '100ms', consignmentHold: '100ms' },
        }
      : { tenants: { town: { storage: sides.storage } }, keys: { trusted: keys, link: join(keys, 'link.key') } };
  fs.writeFileSync(sides[side], toYaml({ log: { level: 'trace' }, ...own, ...more }));
}

/** Every way in which a secret might be written, by the name of what it is. */
function secretsOf({ keys }: Sides): Map<string, Buffer> {
  const link = fs.readFileSync(join(keys, 'link.key'), 'utf8').trim();
  const pem = fs.readFileSync(join(keys, 'signing.key'), 'utf8').split('\n')[1]!;
  const seed = Buffer.from(pem, 'base64').subarray(-32);
  const texts = {
    'the password': PASSWORD,
    'the link key': link,
    'the link key in capitals': link.toUpperCase(),
    'the link key in base64': Buffer.from(link, 'hex').toString('base64').replace(/=+$/, ''),
    'the signing key': pem,
    'the signing key in hexadecimal': seed.toString('hex'),
  };
  const secrets = new Map(Object.entries(texts).map(([name, text]) => [name, Buffer.from(text)]));
  secrets.set('the bytes of the link key', Buffer.from(link, 'hex'));
  secrets.set('the bytes of the signing key', seed);
  return secrets;
}

function expectNone(secrets: ReadonlyMap<string, Buffer>, words: Buffer, where: string): void {
  for (const [name, secret] of secrets) expect(words.includes(secret), `${name} is in ${where}`).to.equal(false);
}

function wordsOfProcesses({ lowState, highState }: Sides): { words: Buffer; where: string }[] {
  return [lowState, highState].flatMap((state) => {
    const { processes } = JSON.parse(fs.readFileSync(join(state, 'run.json'), 'utf8')) as RunFile;
    expect(Object.keys(processes).length).to.be.above(3);
    return Object.entries(processes).flatMap(([name, { pid }]) =>
      ['environ', 'cmdline'].map((file) => ({
        words: fs.readFileSync(`/proc/${pid}/${file}`),
        where: `${file} of ${name}`,
      })),
    );
  });
}

/** Everything there is but the keys themselves. */
function filesBelow({ base }: Workplace): string[] {
  return (fs.readdirSync(base, { recursive: true }) as string[])
    .filter((path) => !path.startsWith('keys/'))
    .map((path) => join(base, path))
    .filter((path) => fs.lstatSync(path).isFile());
}
