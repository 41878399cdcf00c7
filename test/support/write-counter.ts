import type { Socket } from 'node:net';

/** The methods by which Node hands bytes of a socket to the kernel: each call is one write. */
const writing = [
  'writev',
  'writeBuffer',
  'writeUtf8String',
  'writeAsciiString',
  'writeLatin1String',
  'writeUcs2String',
];

type Handle = Record<string, (...args: unknown[]) => unknown>;

export interface Writes {
  /** How often bytes have been handed to the kernel since the count began, or was last taken. */
  taken(): number;
}

/** Counts the writes of one connection, below everything that gathers them. */
export function countWrites(socket: Socket): Writes {
  const handle = (socket as unknown as Record<'_handle', Handle>)['_handle'];
  let count = 0;
  for (const name of writing) {
    const write = handle[name]!;
    handle[name] = function countedWrite(...args: unknown[]) {
      count++;
      return write.apply(this, args);
    };
  }
  return {
    taken: () => {
      const seen = count;
      count = 0;
      return seen;
    },
  };
}
