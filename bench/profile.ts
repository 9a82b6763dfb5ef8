/** `sluice bench profile DIR`: what profiles of a run say, thread by thread: where the processor was. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { rounded } from './figures.js';

/** The parts of a .cpuprofile (Chrome DevTools protocol, Profiler.Profile) that are looked at. */
interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[];
  samples: number[];
  timeDeltas: number[];
}

export interface ThreadProfile {
  /** Process, and file of the profile. */
  process: string;
  file: string;
  /** Seconds on the processor, without idling and waiting in the event loop. */
  busySeconds: number;
  /** Functions by the time spent in themselves, most first. */
  hottest: { where: string; seconds: number }[];
}

/** Idle, or asleep in Atomics.wait, which counts for the function that called it. */
const IDLE = /^(\((idle|program|root)\)|(sleep|wait\w*) {2}.*)$/;

/** @param most functions of a thread */
export function readProfiles(folder: string, most: number): ThreadProfile[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.cpuprofile'),
  );
  return files
    .map((file) => summaryOf(JSON.parse(readFileSync(join(folder, file), 'utf8')), file, most))
    .sort((a, b) => b.busySeconds - a.busySeconds);
}

function summaryOf(profile: CpuProfile, file: string, most: number): ThreadProfile {
  const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const self = new Map<string, number>();
  profile.samples.forEach((id, i) => {
    const name = names.get(id) ?? 'unknown';
    self.set(name, (self.get(name) ?? 0) + (profile.timeDeltas[i] ?? 0) / 1e6);
  });
  const hottest = [...self].filter(([where]) => !IDLE.test(where)).sort((a, b) => b[1] - a[1]);
  const busy = hottest.reduce((total, [, seconds]) => total + seconds, 0);
  return {
    process: dirname(file),
    file: relative(dirname(file), file),
    busySeconds: rounded(busy, 2),
    hottest: hottest.slice(0, most).map(([where, seconds]) => ({ where, seconds: rounded(seconds, 3) })),
  };
}

function nameOf({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string {
  if (url === '') return functionName;
  const file = url.replace(/^.*\/dist\//, '').replace(/^.*\/node_modules\//, '');
  return `${functionName || '(anonymous)'}  ${file}:${lineNumber + 1}`;
}
