import type { Server, ServerOptions, Socket } from 'socket.io';

/** What Socket.IO's encoder makes of a packet: text, and the bytes of each attachment. */
export type EncodedPacket = string | ArrayBuffer | ArrayBufferView;

/** What Socket.IO broadcasts. */
export interface BroadcastPacket {
  readonly nsp: string;
  /** The event's name, and its arguments. */
  readonly data: readonly unknown[];
  /** Where acknowledgements are expected. */
  readonly id?: number;
}

/** A gateway class, and the namespace it serves. */
export interface ServedGateway {
  readonly name: string;
  readonly metatype: object;
  readonly namespace: string | RegExp;
}

/** Brings what is emitted in this process to its clients. */
export interface Delivery {
  /** Goes into the options of every Socket.IO server whose clients it serves. */
  readonly serverOptions: Partial<ServerOptions>;

  /** Called with each server that has been made, before a client can reach it, and with what it is to serve. */
  attach(server: Server, gateways: readonly ServedGateway[]): void;

  /** Takes over what is written to a client. A client of several namespaces is adopted once for each. */
  adopt(socket: Socket): void;

  /**
   * What adopted clients take in the place of encoded packets. It is encoded when the first of them needs it, and never
   * when there is none.
   */
  message(encode: () => readonly EncodedPacket[] | EncodedPacket, packet: BroadcastPacket): unknown;
}
