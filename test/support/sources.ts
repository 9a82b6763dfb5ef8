/** The repository's own sources as text: their imports, and their code without comments and strings. */
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT } from './cli.js';

export interface Source {
  /** Relative to the repository, with '/'. */
  readonly path: string;
  readonly folder: string;
  readonly text: string;
  /** The text with comments blanked out. */
  readonly code: string;
  /** The text with comments, strings and regular expressions blanked out. */
  readonly bare: string;
  /** Modules outside the repository ("node:fs", "zod"), without what lies below a package; types included. */
  readonly packages: string[];
  /** Those of them that are there at run time. */
  readonly loadedPackages: string[];
  /** Files of the repository this one imports, and those among them of which something is there at run time. */
  readonly imports: string[];
  readonly loads: string[];
}

const FOLDERS = ['ingress', 'egress', 'shared', 'bench', 'test', 'proto', 'bin'];
/** `import type` and `export type` leave nothing behind at run time. */
const IMPORT =
  /\b(?:(?:import|export)\b(?<type>\s+type\b(?!\s+from|\s*,))?[^;'"]*?\bfrom\s*|import\s*\(?\s*)(['"])(?<named>[^'"\n]+)\2/g;

export function readSources(): Source[] {
  return FOLDERS.flatMap((folder) => filesBelow(folder))
    .filter((path) => /\.(ts|js|mjs)$/.test(path))
    .map(readSource);
}

/** Every file below a folder of the repository. */
export function filesBelow(folder: string): string[] {
  return fs.readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

function readSource(path: string): Source {
  const text = fs.readFileSync(join(ROOT, path), 'utf8');
  const { code, bare } = blankOut(text);
  const packages: string[] = [];
  const loadedPackages: string[] = [];
  const imports: string[] = [];
  const loads: string[] = [];
  for (const match of code.matchAll(IMPORT)) {
    // What looks like an import inside a string is none: its first word is gone from the bare text.
    if (bare[match.index] !== code[match.index]) continue;
    const { type, named } = match.groups as { type: string | undefined; named: string };
    if (named.startsWith('.')) {
      const target = join(dirname(path), named).replace(/\.js$/, '.ts');
      imports.push(target);
      if (type === undefined) loads.push(target);
    } else {
      const name = named.startsWith('@') ? named.split('/', 2).join('/') : named.split('/')[0]!;
      packages.push(name);
      if (type === undefined) loadedPackages.push(name);
    }
  }
  return { path, folder: dirname(path), text, code, bare, packages, loadedPackages, imports, loads };
}

/** Everything that is loaded with a file, itself included, directly or through others. */
export function reach(path: string, sources: ReadonlyMap<string, Source>): Source[] {
  const found = new Map<string, Source>();
  const waiting = [path];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const source = sources.get(next);
    if (!source || found.has(next)) continue;
    found.set(next, source);
    waiting.push(...source.loads);
  }
  return [...found.values()];
}

/** Blanks out comments (`code`), and strings and regular expressions as well (`bare`); lengths stay as they are. */
export function blankOut(text: string): { code: string; bare: string } {
  const code = text.split('');
  const bare = text.split('');
  const blank = (target: string[], from: number, to: number) => {
    for (let i = from; i < to; i++) if (target[i] !== '\n') target[i] = ' ';
  };
  /** Depth of braces at which each open template goes on. */
  const templates: number[] = [];
  let depth = 0;
  /** The last character that was code: tells a division from a regular expression. */
  let last = '';
  for (let i = 0; i < text.length; ) {
    const char = text[i]!;
    const from = i;
    const comment = text.startsWith('//', i) ? '\n' : text.startsWith('/*', i) ? '*/' : undefined;
    if (comment !== undefined) {
      i = endOf(text, comment, i + 2);
      blank(code, from, i);
    } else if (char === "'" || char === '"') {
      i = endOfQuoted(text, i, char);
      last = char;
    } else if (char === '/' && mayBeginPattern(text, i, last)) {
      i = endOfPattern(text, i);
      last = char;
    } else if (char === '`' || (char === '}' && templates.at(-1) === depth)) {
      if (char === '}') templates.pop();
      const template = endOfTemplate(text, i + 1);
      i = template.end;
      if (template.goesOn) templates.push(depth);
      last = template.goesOn ? '{' : char;
    } else {
      if (char === '{') depth++;
      if (char === '}') depth--;
      if (/\S/.test(char)) last = char;
      i++;
      continue;
    }
    blank(bare, from, i);
  }
  return { code: code.join(''), bare: bare.join('') };
}

/** After a value a slash divides; after an operator, an opening bracket or a word like "return" a pattern begins. */
function mayBeginPattern(text: string, at: number, last: string): boolean {
  if (!/[\w$)\]}'"`/]/.test(last)) return true;
  return /\b(?:return|case|typeof|in|of)\s*$/.test(text.slice(Math.max(0, at - 12), at));
}

/** Where a text begins again behind `what`. */
function endOf(text: string, what: string, from: number): number {
  const at = text.indexOf(what, from);
  return at < 0 ? text.length : at + what.length;
}

function endOfQuoted(text: string, from: number, quote: string): number {
  for (let i = from + 1; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === quote) return i + 1;
  }
  return text.length;
}

function endOfPattern(text: string, from: number): number {
  let inClass = false;
  for (let i = from + 1; i < text.length && text[i] !== '\n'; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === '[') inClass = true;
    else if (text[i] === ']') inClass = false;
    else if (text[i] === '/' && !inClass) return i + 1;
  }
  return from + 1;
}

/** Ends behind the closing backtick, or behind `${`. */
function endOfTemplate(text: string, from: number): { end: number; goesOn: boolean } {
  for (let i = from; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === '`') return { end: i + 1, goesOn: false };
    else if (text.startsWith('${', i)) return { end: i + 2, goesOn: true };
  }
  return { end: text.length, goesOn: false };
}
