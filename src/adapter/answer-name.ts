import type { FleetProcess } from './process-directory.js';

/**
 * Adds to an answer of the official adapter which process it comes from. Official nodes pass over that.
 *
 * Answers are JSON objects, or msgpack maps of a few values; with binary data in them they would cost much to decode
 * and encode once more.
 */
export function nameAnswer(answer: string | Buffer, { tag, name }: FleetProcess): string | Buffer {
  if (typeof answer === 'string') return `{"process":${JSON.stringify({ tag, name })},${answer.slice(1)}`;
  return Buffer.concat([Buffer.from([answer[0]! + 1]), text('tag'), text(tag), answer.subarray(1)]);
}

/** In msgpack, where it is short. */
function text(value: string): Buffer {
  return Buffer.from([0xa0 + value.length, ...Buffer.from(value)]);
}
