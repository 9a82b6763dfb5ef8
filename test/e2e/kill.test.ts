/** The kill harness (`npm run test:kill`) as people start it, with few kills; longer runs find what is rare. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const HARNESS = fileURLToPath(new URL('../kill/main.js', import.meta.url));

describe('killing processes of both sides at random', function () {
  this.timeout(180_000);

  it('FAULTS 51, 54: ten kills under mixed traffic: nothing lost, nothing twice, nothing half', async () => {
    const child = spawn(process.execPath, [HARNESS, '--kills', '10', '--seed', '5', '--json']);
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (bytes) => {
      stdout += bytes;
    });
    child.stderr.on('data', (bytes) => {
      stderr += bytes;
    });
    const code = await new Promise((resolve) => child.once('close', resolve));
    const { objects, ...rest } = JSON.parse(stdout) as Record<string, number>;
    expect(objects, stderr).to.be.above(20);
    expect(rest, stderr).to.deep.equal({ kills: 10, released: objects, lost: 0, double: 0, partial: 0 });
    expect(code, stderr).to.equal(0);
  });
});
