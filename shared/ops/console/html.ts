/** HTML from texts that are not to be trusted: what is put into a template is escaped unless it is HTML itself. */
export class Html {
  constructor(readonly text: string) {}
}

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
/** Control characters, and those that turn the direction of a text or hide in it. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

export function escapeHtml(text: string): string {
  return text.replace(UNSAFE, '\ufffd').replace(/[&<>"']/g, (char) => ESCAPES[char]!);
}

export type Part = Html | string | number | readonly Html[];

export function html(parts: TemplateStringsArray, ...values: Part[]): Html {
  return new Html(parts.map((part, i) => part + (i < values.length ? textOf(values[i]!) : '')).join(''));
}

function textOf(value: Part): string {
  if (value instanceof Html) return value.text;
  if (typeof value === 'string' || typeof value === 'number') return escapeHtml(String(value));
  return value.map(({ text }) => text).join('');
}

export const NOTHING = new Html('');
