/** The kill harness (`npm run test:kill`) as people start it, with few kills; longer runs find what is rare. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { removeFolders, tinyFileSystem } from '../support/folders.js';
import { skipWithoutRedis } from '../support/redisServers.js';

const HARNESS = fileURLToPath(new URL('../kill/main.js', import.meta.url));

function mayMount(): boolean {
  const tiny = tinyFileSystem(1 << 20);
  tiny?.unmount();
  removeFolders();
  return tiny !== undefined;
}

describe('killing processes of both sides at random', function () {
  this.timeout(180_000);

  const cases = {
    'FAULTS 51, 54: six kills under mixed traffic: nothing lost, nothing twice, nothing half': ['--kills', '6'],
    'FAULTS 54: the Redis of each side flushed, killed, emptied, hanging, full, evicting under traffic: the same': [
      ...['--stores', '--kills', '4'],
    ],
    'FAULTS 49: the disks of both sides and of a storage run full, of bytes and of inodes, under traffic: the same': [
      ...['--disks', '--kills', '4'],
    ],
  };
  for (const [title, options] of Object.entries(cases)) {
    it(title, async function () {
      if (options.includes('--stores')) skipWithoutRedis.call(this);
      if (options.includes('--disks') && !mayMount()) {
        console.log('      skipped: mounting small file systems is not allowed here');
        this.skip();
      }
      const child = spawn(process.execPath, [HARNESS, ...options, '--seed', '5', '--json']);
      let stdout = '';
      let stderr = '';
      child.stdout.on('data', (bytes) => {
        stdout += bytes;
      });
      child.stderr.on('data', (bytes) => {
        stderr += bytes;
      });
      const code = await new Promise((resolve) => child.once('close', resolve));
      const { objects, kills, ...rest } = JSON.parse(stdout) as Record<string, number>;
      expect(objects, stderr).to.be.above(20);
      expect(kills).to.equal(Number(options.at(-1)));
      expect(rest, stderr).to.deep.equal({ released: objects, lost: 0, double: 0, partial: 0 });
      expect(code, stderr).to.equal(0);
    });
  }
});
