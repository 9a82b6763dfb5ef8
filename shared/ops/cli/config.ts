/** `sluice config`: shows the effective configuration, and what every key means. */
import { type Command, Option } from 'commander';
import { loadHighConfig, loadLowConfig, printConfig } from '../config/load.js';
import { configReference } from '../config/reference.js';

export function addConfigCommand(program: Command): void {
  const config = program.command('config').description('look at configurations');
  config
    .command('print')
    .description('the effective configuration: the file, with every default filled in and secrets left out')
    .addOption(new Option('--side <side>', 'which side the file is for').choices(['low', 'high']).makeOptionMandatory())
    .requiredOption('--config <file>', 'configuration file')
    .option('--state <dir>', 'state folder, to check that nothing lies in it')
    .action(({ side, config: file, state }) => {
      const options = state === undefined ? {} : { stateDir: state };
      process.stdout.write(printConfig(side === 'low' ? loadLowConfig(file, options) : loadHighConfig(file, options)));
    });
  config
    .command('reference')
    .description('every key with its unit, default and meaning, as Markdown')
    .action(() => {
      process.stdout.write(configReference());
    });
}
