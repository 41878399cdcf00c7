import type { WalkLimits } from '../msgpack-walk.js';

const quote = 0x22;
const backslash = 0x5c;

/**
 * Counts what a JSON text would be parsed to, so that a short one does not become a large value: `[` costs a byte, and
 * the list that it makes about forty.
 *
 * It takes the text for JSON, which the parser looks at itself.
 *
 * @throws RangeError for what goes deeper or has more values than the limits allow.
 */
export function walkJson(text: Uint8Array, { depth: deepest, nodes: most }: WalkLimits): void {
  let depth = 0;
  let nodes = 1;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const byte = text[at]!;
    if (inString) {
      if (byte === backslash) at++;
      else if (byte === quote) inString = false;
      continue;
    }
    switch (byte) {
      case quote:
        inString = true;
        break;
      case 0x5b: // [
      case 0x7b: // {
        nodes++;
        if (++depth > deepest) throw new RangeError(`it goes deeper than ${deepest}`);
        break;
      case 0x5d: // ]
      case 0x7d: // }
        depth--;
        break;
      case 0x2c: // ,
      case 0x3a: // :
        nodes++;
        break;
    }
    if (nodes > most) throw new RangeError(`it has more than ${most} values`);
  }
}
