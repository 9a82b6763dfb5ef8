/**
 * Makes the database of an embedded store in the folder named by the first argument, then ends. A process of its own:
 * making one keeps a processor busy for some four seconds and takes 700 MB, most of which a process that goes on
 * living would never give back.
 */
import { PGlite } from '@electric-sql/pglite';
import { runMigrations } from 'bullmq';
import { Pool, SCHEMA } from './pglite-pool.js';

const database = await PGlite.create({ dataDir: process.argv[2] as string });
await runMigrations(await new Pool(database).connect(), SCHEMA);
await database.close();
