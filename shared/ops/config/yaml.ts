/**
 * YAML in and out. Reading is bounded in bytes, depth and aliases, knows no tags, and refuses a key written twice:
 * what a person reads in the file is what the gateway does. Nothing of the text appears in an error, because a
 * configuration may hold a password.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { Composer, type CST, type Document, isMap, isScalar, LineCounter, Parser, stringify, visit } from 'yaml';
import { SluiceError, wordsOf } from '../../core/errors.js';
import { LIMITS } from '../../core/limits.js';
import type { Problems } from './problems.js';

/** Text of a configuration file of bounded size. CONFIG_UNREADABLE when it cannot be had. */
export function readConfigText(path: string): string {
  const unreadable = (why: string) => new SluiceError('CONFIG_UNREADABLE', `${path}: ${why}`);
  let file: number;
  try {
    // Without O_NONBLOCK a pipe in the place of the file would hold the start up for ever.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw unreadable(String((error as NodeJS.ErrnoException).code));
  }
  try {
    if (!fstatSync(file).isFile()) throw unreadable('it is not a file');
    const bytes = Buffer.alloc(LIMITS.configMaxBytes + 1);
    let length = 0;
    for (let got = -1; got !== 0 && length < bytes.length; length += got) {
      got = readSync(file, bytes, length, bytes.length - length, null);
    }
    if (length === bytes.length) throw unreadable(`it is larger than ${LIMITS.configMaxBytes} bytes`);
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, length));
  } catch (error) {
    if (error instanceof SluiceError) throw error;
    throw unreadable(error instanceof TypeError ? 'it is not UTF-8 text' : wordsOf(error));
  } finally {
    closeSync(file);
  }
}

/** The value a YAML text describes; undefined, with the problems noted, when it is not clear what it describes. */
export function parseYaml(text: string, problems: Problems): unknown {
  const lines = new LineCounter();
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `line ${line}, column ${col}`;
  };
  const tokens = [...new Parser(lines.addNewLine).parse(text)];
  // Composing recurses, and far enough down it ends the whole process instead of throwing. So depth is looked at first.
  if (depthOf(tokens) > LIMITS.configMaxDepth) {
    problems.say(`nested too deeply; allowed: ${LIMITS.configMaxDepth} levels`);
    return undefined;
  }
  const composer = new Composer({
    prettyErrors: false,
    uniqueKeys: false,
    version: '1.2',
    schema: 'core',
    merge: false,
  });
  const documents = [...composer.compose(tokens)];
  if (documents.length === 0) return {};
  if (documents.length > 1) {
    problems.say('more than one YAML document; allowed: one');
    return undefined;
  }
  const document = documents[0]!;
  for (const fault of [...document.errors, ...document.warnings]) {
    problems.say(`${at(fault.pos[0])}: not valid YAML (${fault.code})`);
  }
  const sound = document.errors.length + document.warnings.length === 0 && checkNodes(document, at, problems);
  if (!sound) return undefined;
  try {
    return document.toJS({ maxAliasCount: LIMITS.configMaxAliases }) ?? {};
  } catch {
    problems.say(
      `an alias that is used too often or names nothing; allowed: at most ${LIMITS.configMaxAliases} aliases`,
    );
    return undefined;
  }
}

/** What YAML allows and a configuration does not: tags, keys that are not words, keys written twice. */
function checkNodes(document: Document, at: (offset: number) => string, problems: Problems): boolean {
  let sound = true;
  const refuse = (offset: number | undefined, what: string) => {
    sound = false;
    problems.say(`${at(offset ?? 0)}: ${what}`);
  };
  visit(document, {
    Node(_key, node) {
      if (node.tag !== undefined) refuse(node.range?.[0], 'a tag; allowed: values without tags');
      if (!isMap(node)) return;
      // The library's own test for twins compares every key with every other one.
      const seen = new Set<string>();
      for (const { key } of node.items) {
        const name = isScalar(key) ? String(key.value) : undefined;
        const offset = isScalar(key) ? key.range?.[0] : node.range?.[0];
        if (name === undefined) refuse(offset, 'a key that is not a word; allowed: words as keys');
        else if (seen.has(name))
          refuse(offset, `the key ${JSON.stringify(name.slice(0, 80))} is there twice; allowed: once`);
        else seen.add(name);
      }
    },
  });
  return sound;
}

/** Levels of lists and mappings, counted without recursion. */
function depthOf(tokens: readonly CST.Token[]): number {
  let deepest = 0;
  const open: { token: unknown; depth: number }[] = tokens.map((token) => ({ token, depth: 0 }));
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { token, depth } = next;
    if (typeof token !== 'object' || token === null) continue;
    const inside = depth + ('items' in token ? 1 : 0);
    deepest = Math.max(deepest, inside);
    if ('items' in token) for (const item of token.items as unknown[]) open.push({ token: item, depth: inside });
    for (const part of ['key', 'value'] as const) {
      if (part in token) open.push({ token: (token as Record<string, unknown>)[part], depth: inside });
    }
  }
  return deepest;
}

/** YAML of a plain value, for generated configurations. */
export const toYaml = (value: unknown): string => stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
