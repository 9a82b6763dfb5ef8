/** `sluice keygen`: a signing key pair and a link key. */
import type { Command } from 'commander';
import { generateKeys } from '../../crypto/keyfiles.js';
import { sayLine } from './output.js';

export function addKeygenCommand(program: Command): void {
  program
    .command('keygen')
    .description('make a signing key, its public key and a link key; existing files are never overwritten')
    .requiredOption('--out <dir>', 'folder for the three files')
    .action(({ out }) => {
      const keys = generateKeys(out);
      sayLine(`signing key  ${keys.signing}   stays on the low side, readable by the gateway only`);
      sayLine(`public key   ${keys.public}   goes to the high side, among its trusted keys (id ${keys.keyId})`);
      sayLine(`link key     ${keys.link}   the same file on both sides, readable by the gateway only`);
    });
}
