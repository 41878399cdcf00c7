export interface WalkLimits {
  /** How many lists and maps may lie in one another; 1,024 at the most. */
  readonly depth: number;
  /** How many values there may be in all, each list and each map included. */
  readonly nodes: number;
}

/** For each open list or map but the innermost, how many values it still lacks: one table for all walks, none of which waits. */
const missing = new Uint32Array(1_024);
const isMap = new Uint8Array(1_024);

/**
 * What follows a first byte of 0xc0 … 0xdf: so many bytes where that alone says it (numbers, and extensions with their
 * type), so many bytes of a length, and what has that length.
 */
const fixedSize = [0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 4, 8, 1, 2, 4, 8, 1, 2, 4, 8, 2, 3, 5, 9, 17, 0, 0, 0, 0, 0, 0, 0];
const lengthSize = [0, 0, 0, 0, 1, 2, 4, 1, 2, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 4, 2, 4, 2, 4];

const lastString = 0xdb;
const lastList = 0xdd;

/**
 * Walks through a msgpack message, so that a decoder may follow without harm.
 *
 * A decoder makes room for what a message announces: five bytes that announce a list of 33 million values take 271 MB.
 * Here nothing is made for any value.
 *
 * @throws RangeError for what announces more than there is, goes deeper or has more values than the limits allow.
 * @throws TypeError for what is no msgpack, or does not end where its value ends.
 */
export function walkMsgpack(bytes: Uint8Array, limits: WalkLimits): void {
  const end = bytes.length;
  let at = 0;
  let depth = 0;
  let nodes = 1;
  /** How many values the innermost list or map still lacks. */
  let left = 1;
  let inMap = 0;

  for (;;) {
    while (left === 0) {
      if (depth === 0) {
        if (at !== end) throw new TypeError(`${end - at} bytes follow its end`);
        return;
      }
      depth--;
      left = missing[depth]!;
      inMap = isMap[depth]!;
    }
    if (at >= end) throw new RangeError('it ends too early');
    const isKey = inMap === 1 && (left & 1) === 0;
    left--;
    const prefix = bytes[at++]!;

    if (prefix < 0x80 || prefix >= 0xe0) continue;
    let length = prefix & 0x0f;
    if (prefix >= 0xa0) {
      if (prefix < 0xc0) {
        at += prefix & 0x1f;
        if (at > end) throw new RangeError('it announces more bytes than there are');
        continue;
      }
      if (prefix === 0xc1) throw new TypeError('it has a value of a type that there is not');
      const kind = prefix - 0xc0;
      let size = lengthSize[kind]!;
      if (at + size > end) throw new RangeError('it ends too early');
      for (length = 0; size > 0; size--) length = length * 256 + bytes[at++]!;
      if (prefix <= lastString) {
        if (isKey && isExtension(prefix)) throw new TypeError('a value in it has an extension for its name');
        // Whatever such a time announces, the decoder takes twelve bytes.
        if (prefix === 0xc7 && bytes[at] === 0xff && length !== 12)
          throw new TypeError('it has a time of no such length');
        at += fixedSize[kind]! + length;
        if (at > end) throw new RangeError('it announces more bytes than there are');
        continue;
      }
    }

    const isList = prefix < 0xc0 ? prefix >= 0x90 : prefix <= lastList;
    const values = isList ? length : length * 2;
    if (isKey) throw new TypeError('a value in it has a list or a map for its name');
    // Each value takes a byte at the least.
    if (values > end - at) throw new RangeError('it announces more values than there are bytes');
    nodes += values;
    if (nodes > limits.nodes) throw new RangeError(`it has more than ${limits.nodes} values`);
    missing[depth] = left;
    isMap[depth] = inMap;
    if (++depth > limits.depth) throw new RangeError(`it goes deeper than ${limits.depth}`);
    left = values;
    inMap = isList ? 0 : 1;
  }
}

function isExtension(prefix: number): boolean {
  return (prefix >= 0xc7 && prefix <= 0xc9) || (prefix >= 0xd4 && prefix <= 0xd8);
}
