import type { ServerOptions, Socket } from 'socket.io';

/** What Socket.IO's encoder makes of a packet: text, and the bytes of each attachment. */
export type EncodedPacket = string | ArrayBuffer | ArrayBufferView;

/** Brings what is emitted in this process to its clients. */
export interface Delivery {
  /** Goes into the options of every Socket.IO server whose clients it serves. */
  readonly serverOptions: Partial<ServerOptions>;

  /** Takes over what is written to a client. A client of several namespaces is adopted once for each. */
  adopt(socket: Socket): void;

  /**
   * What adopted clients take in the place of encoded packets. It is encoded when the first of them needs it, and never
   * when there is none.
   */
  message(encode: () => readonly EncodedPacket[] | EncodedPacket): unknown;
}
