/**
 * The scan process: the only place on the low side where untrusted bytes are parsed. It is disposable, holds no key,
 * opens no socket and writes no file. What it says is checked by the scanner that started it.
 */
import { inspect } from './pipeline.js';
import { serveScans } from './serveScans.js';

serveScans(inspect);
