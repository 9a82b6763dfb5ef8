/** Particulars in French, where they are common: what stands in the code as English sentences, with its own words kept. */
import { grouped } from './numbers.js';

const KINDS: Readonly<Record<string, string>> = {
  'a link': 'un lien',
  'a symbolic link': 'un lien',
  'a folder': 'un dossier',
  'a pipe': 'un tube (pipe)',
  'a socket': 'une prise (socket)',
  'a device': 'un périphérique',
};

type Say = (...found: string[]) => string | undefined;

const SENTENCES: readonly (readonly [RegExp, Say])[] = [
  [/^(".*") holds a backslash\.$/, (name) => `${name} contient une barre oblique inverse (\\).`],
  [/^(".*") holds the character (U\+[0-9A-F]+)\.$/, (name, point) => `${name} contient le caractère ${point}.`],
  [/^(".*") holds (\S+)$/, (name, character) => `${name} contient ${character}`],
  [/^(".*") ends with a dot or a space\.$/, (name) => `${name} se termine par un point ou une espace.`],
  [
    /^(".*") is a name that Windows keeps for itself/,
    (name) => `${name} est un nom que Windows se réserve (comme CON, NUL, COM1), quoi qui suive le point.`,
  ],
  [/^The other one is (".*")\.$/, (name) => `L'autre est ${name}.`],
  [/^It is (.+)\.$/, (kind) => (Object.hasOwn(KINDS, kind!) ? `C'est ${KINDS[kind!]}.` : undefined)],
  [/^It has (\d+) names\.$/, (names) => `Il porte ${names} noms.`],
  [
    /^It has (\d+) bytes, (\d+) are allowed\.$/,
    (bytes, most) => `Il a ${grouped(Number(bytes), ' ')} octets ; ${grouped(Number(most), ' ')} sont permis.`,
  ],
  [
    /^The path has (\d+) (bytes|characters|parts), (\d+) are allowed\.$/,
    (n, unit, most) => `Le chemin a ${n} ${UNITS[unit!]} ; ${most} sont permis.`,
  ],
  [/^A part has (\d+) bytes, (\d+) are allowed\.$/, (n, most) => `Une partie a ${n} octets ; ${most} sont permis.`],
];

const UNITS: Readonly<Record<string, string>> = { bytes: 'octets', characters: 'caractères', parts: 'parties' };

/** Undefined: there are no French words for it. */
export function frenchDetail(text: string): string | undefined {
  for (const [pattern, say] of SENTENCES) {
    const found = pattern.exec(text);
    if (found) return say(...found.slice(1));
  }
  return undefined;
}
