/**
 * How the command line asks a side for something: through the side's ledger, whether the side runs or not. Nothing of
 * the side's own code is needed, and no socket.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SluiceError } from '../../core/errors.js';
import { StateFolder } from '../files/stateFolder.js';
import { LedgerFile } from '../ledger/ledgerFile.js';
import { type Asked, isQuestion, type Request, Requests } from './requests.js';

const LOOK_MS = 50;

export interface Answered {
  /** Without what it begins with. Empty when there is none yet. */
  words: string;
  outcome: 'yes' | 'no' | 'busy' | 'not-running';
}

/** The ledger of a running or resting side, for requests. */
export class SideLedger {
  readonly side: 'low' | 'high';
  private readonly file: LedgerFile;
  private readonly requests: Requests;

  private constructor(readonly folder: string) {
    this.file = new LedgerFile(join(folder, 'ledger.sqlite'), undefined, []);
    this.side = this.file.meta('side') === 'high' ? 'high' : 'low';
    this.requests = new Requests(this.file, Date.now);
  }

  /**
   * The sides whose ledgers are in a state folder: that of a side, or that of a demo with both below it.
   * @throws SluiceError STATE_MISSING when there is none
   */
  static open(stateDir: string): SideLedger[] {
    const folders = [stateDir, join(stateDir, 'low'), join(stateDir, 'high')];
    const found = folders.filter((folder) => existsSync(join(folder, 'ledger.sqlite')));
    if (found.length === 0) throw new SluiceError('STATE_MISSING', `Looked in ${stateDir}.`);
    return found.map((folder) => new SideLedger(folder));
  }

  get isRunning(): boolean {
    return StateFolder.isHeld(this.folder);
  }

  /** Writes the request and waits for the answer of a running side. One that does not run answers when it is started. */
  async ask(asked: Omit<Asked, 'origin'>, waitMs: number): Promise<Answered> {
    const running = this.isRunning;
    if (!running && isQuestion(asked.kind)) return { words: '', outcome: 'not-running' };
    const id = this.requests.add({ ...asked, origin: 'command line' });
    try {
      for (let waited = 0; running && waited < waitMs; waited += LOOK_MS) {
        const answer = this.requests.answerOf(id);
        if (answer !== null) {
          const outcome = answer.startsWith('yes') ? 'yes' : 'no';
          return { words: answer.replace(/^(yes|no): /, ''), outcome };
        }
        await sleep(LOOK_MS);
      }
      return { words: '', outcome: running ? 'busy' : 'not-running' };
    } finally {
      if (isQuestion(asked.kind)) this.requests.forget(id);
    }
  }

  /** What operators asked for, oldest first. */
  acts(most: number): Request[] {
    return this.requests.acts(most);
  }

  close(): void {
    this.file.close();
  }
}
