import { isDeepStrictEqual } from 'node:util';

export const forms = ['text', 'binary', 'both'] as const;
export type Form = (typeof forms)[number];

/** A message that says itself what it must be like when it arrives. */
export interface Word {
  /** The node that sent it. */
  readonly origin: number;
  /** Its place among all that this node sends. */
  readonly sequence: number;
  readonly form: Form;
  /** Of its text or attachments, in bytes. */
  readonly size: number;
}

export function nameOf({ origin, sequence }: Pick<Word, 'origin' | 'sequence'>): string {
  return `${origin}:${sequence}`;
}

/** The arguments of the event that carries it. */
export function argumentsOf(word: Word): unknown[] {
  return [word.origin, word.sequence, word.form, word.size, ...contentOf(word)];
}

/** The name of what arrived, which says so when it is not what was sent. */
export function nameOfArrived([origin, sequence, form, size, ...content]: readonly unknown[]): string {
  const word = { origin, sequence, form, size } as Word;
  return isDeepStrictEqual(content, contentOf(word)) ? nameOf(word) : `${nameOf(word)} damaged`;
}

function contentOf({ sequence, form, size }: Word): unknown[] {
  const text = String.fromCodePoint(0x61 + (Math.abs(sequence) % 26)).repeat(size);
  const bytes = Buffer.alloc(size, sequence % 256);
  if (form === 'text') return [text];
  return form === 'binary' ? [bytes] : [text, { bytes, more: [bytes.subarray(size / 2), 'and text'] }];
}
