/**
 * YAML in and out. Reading is bounded in depth and aliases, knows no tags, and refuses a key written twice: what a
 * person reads in the file is what the gateway does. Nothing of the text appears in an error, because a configuration
 * may hold a password.
 */
import {
  Composer,
  type CST,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  Parser,
  stringify,
  visit,
} from 'yaml';
import { LIMITS } from '../../core/limits.js';
import type { Position, Problems, Step } from './problems.js';

/**
 * The value a YAML text describes; undefined, with the problems noted, when it is not clear what it describes. From then
 * on problems of its keys are said with line and column.
 */
export function parseYaml(text: string, problems: Problems): unknown {
  const lines = new LineCounter();
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
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
    problems.say(`not valid YAML (${fault.code})`, at(fault.pos[0]));
  }
  const sound = document.errors.length + document.warnings.length === 0 && checkNodes(document, at, problems);
  if (!sound) return undefined;
  problems.locate((steps) => at(offsetOf(document, steps)));
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
function checkNodes(document: Document, at: (offset: number) => Position, problems: Problems): boolean {
  let sound = true;
  const refuse = (offset: number | undefined, what: string) => {
    sound = false;
    problems.say(what, at(offset ?? 0));
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

/** Where the key (or the entry of a list) at the end of some steps is written; as far as the steps lead anywhere. */
function offsetOf(document: Document, steps: readonly Step[]): number {
  let node: unknown = document.contents;
  let offset = document.contents?.range?.[0] ?? 0;
  for (const step of steps) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === step);
      if (pair === undefined) break;
      offset = (isScalar(pair.key) ? pair.key.range?.[0] : undefined) ?? offset;
      node = pair.value;
    } else if (isSeq(node) && typeof step === 'number' && step < node.items.length) {
      node = node.items[step];
      offset = (node as { range?: [number] }).range?.[0] ?? offset;
    } else break;
  }
  return offset;
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
