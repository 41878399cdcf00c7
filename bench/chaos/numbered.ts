/** The text of a numbered message, which may be made longer. */
export function writeNumbered(stream: string, number: number, filling = ''): string {
  return `${stream}|${number}|${filling}`;
}

/** Undefined for any other text. */
export function readNumbered(text: unknown): { readonly stream: string; readonly number: number } | undefined {
  if (typeof text !== 'string') return undefined;
  const [stream, number] = text.split('|', 2);
  return /^\d{1,9}$/.test(number ?? '') ? { stream: stream!, number: Number(number) } : undefined;
}
