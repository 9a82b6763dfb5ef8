/**
 * The store that needs nothing on the machine: PostgreSQL as WebAssembly in this process (PGlite), under BullMQ's
 * PostgreSQL backend.
 */
import { spawn } from 'node:child_process';
import { existsSync, renameSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { PGlite } from '@electric-sql/pglite';
import { type ConnectionOptions, createPostgresBackend, runMigrations } from 'bullmq';
import { SluiceError } from '../../core/errors.js';
import type { Backend, KeepFinished } from './backend.js';
import { Pool, SCHEMA } from './pglite-pool.js';
import type { Troubles } from './troubles.js';

const MAKER = fileURLToPath(new URL('./embedded-make.js', import.meta.url));
const MAKE_TIMEOUT_MS = 60_000;
const KEEP_MAX = 100;

/**
 * Opens the database in a folder, making it on first use (some 5 s; 0.5 s later). A database that cannot be read is
 * made anew: the queue holds nothing that spool and ledger do not know.
 * @throws SluiceError QUEUE_STORE_UNAVAILABLE
 */
export async function openEmbedded(folder: string, troubles: Troubles, keep: KeepFinished): Promise<Backend> {
  const { database, pool } = await openDatabase(folder, troubles);
  return {
    kind: 'embedded',
    description: `the embedded store in ${folder}; no Redis is needed`,
    queueConnection: pool as unknown as ConnectionOptions,
    workerConnection: pool as unknown as ConnectionOptions,
    prefix: '',
    factory: createPostgresBackend as unknown as Backend['factory'],
    exclusive: true,
    // Each finished job looks through all that are kept, so they are fewer here.
    keepCompleted: { count: Math.min(keep.count, KEEP_MAX), age: Math.max(1, Math.round(keep.forMs / 1_000)) },
    keepFailed: { count: 1_000, age: 14 * 24 * 3_600 },
    async close() {
      await pool.end();
      await database.close();
    },
  };
}

interface Database {
  readonly database: PGlite;
  readonly pool: Pool;
}

async function openDatabase(folder: string, troubles: Troubles): Promise<Database> {
  if (existsSync(folder)) {
    try {
      return await startDatabase(folder, troubles);
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      troubles.report('QUEUE_STORE_EMPTIED', `The embedded store in ${folder} could not be read: ${error}`);
    }
  }
  try {
    await makeDatabase(folder);
    return await startDatabase(folder, troubles);
  } catch (error) {
    if (error instanceof SluiceError) throw error;
    throw new SluiceError('QUEUE_STORE_UNAVAILABLE', `The embedded store in ${folder} cannot be made: ${error}`);
  }
}

async function startDatabase(folder: string, troubles: Troubles): Promise<Database> {
  const database = await PGlite.create({
    dataDir: folder,
    // Half the memory of the defaults, and no slower for tables as small as these.
    postgresqlconf: ['shared_buffers=16MB', 'max_wal_size=64MB', 'jit=off'],
  });
  try {
    const pool = new Pool(database, troubles);
    const client = await pool.connect();
    // Nothing to do unless BullMQ was updated since the database was made.
    await runMigrations(client, SCHEMA);
    client.release();
    // BullMQ's statements name no schema, and one session serves all.
    await database.exec(`SET search_path TO ${SCHEMA}`);
    return { database, pool };
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** In another folder first, so that whoever is stopped in the middle leaves nothing half made. */
async function makeDatabase(folder: string): Promise<void> {
  const unfinished = `${folder}.new`;
  rmSync(unfinished, { recursive: true, force: true });
  const maker = spawn(process.execPath, [MAKER, unfinished], {
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: MAKE_TIMEOUT_MS,
  });
  let words = '';
  maker.stderr.on('data', (bytes) => {
    words = `${words}${bytes}`.slice(-500);
  });
  await new Promise<void>((resolve, reject) => {
    const fail = (why: string) =>
      reject(new SluiceError('QUEUE_STORE_UNAVAILABLE', `The embedded store cannot be made: ${why}`));
    maker.on('error', (error) => fail(String(error)));
    maker.on('close', (code, signal) => (code === 0 ? resolve() : fail(`${signal ?? `exit ${code}`} ${words}`)));
  });
  renameSync(unfinished, folder);
}
