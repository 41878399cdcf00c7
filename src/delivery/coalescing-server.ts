import type { Duplex } from 'node:stream';
import { type ServerOptions, WebSocket, WebSocketServer } from 'ws';
import type { Sent } from './backlog.js';
import { processTurn } from './process-turn.js';
import { Wire } from './wire.js';

/**
 * The `wsEngine` of a Socket.IO server: each client's frames leave in one write per turn of the event loop.
 *
 * As engine.io makes it, with no options of its own.
 */
export class CoalescingServer extends WebSocketServer {
  constructor(options: ServerOptions) {
    super({ ...options, WebSocket: CoalescingWebSocket });
  }
}

/** A WebSocket that writes what it sends during a turn at the end of it. */
export class CoalescingWebSocket extends WebSocket {
  /** Takes the frames of an open connection. */
  wire: Wire | undefined;

  /** `ws` calls it once the opening handshake is done. */
  setSocket(socket: Duplex, ...rest: unknown[]): void {
    openSocket.call(this, socket, ...rest);
    this.wire = new Wire(socket, processTurn);
    const sender = (this as unknown as Inside)['_sender'];
    sender.wire = this.wire;
    sender.sendFrame = gather;
    (socket as WiredSocket)[wireOf] = this.wire;
    socket.end = flushAndEnd;
  }

  override terminate(): void {
    this.wire?.flush();
    super.terminate();
  }
}

/** What is used of `ws` that its types do not declare. */
interface Inside {
  readonly _sender: WiredSender;
}

type SendFrame = (this: WiredSender, frame: readonly [Buffer, (Buffer | string)?], sent?: Sent) => void;

/** Every frame goes through the sender: messages, pings, pongs, and the closing. */
interface WiredSender {
  wire: Wire;
  sendFrame: SendFrame;
}

const wireOf = Symbol('wire');
type WiredSocket = Duplex & { [wireOf]?: Wire };
type End = (...args: unknown[]) => WiredSocket;

const openSocket = Reflect.get(WebSocket.prototype, 'setSocket') as (socket: Duplex, ...rest: unknown[]) => void;

const closing = 0x08;

const gather: SendFrame = function (frame, sent) {
  const { wire } = this;
  const [head, payload] = frame;
  if ((head[0]! & 0x0f) === closing) {
    // The connection may be ended right after it.
    wire.end();
    (Object.getPrototypeOf(this) as WiredSender).sendFrame.call(this, frame, sent);
    return;
  }
  const bytes = payload === undefined ? head : join(head, payload);
  if (sent) wire.pushAndTell(bytes, sent);
  else wire.push(bytes);
};

/** A copy, since whoever sends bytes may use their memory again after the call. */
function join(head: Buffer, payload: Buffer | string): Buffer {
  return Buffer.concat([head, typeof payload === 'string' ? Buffer.from(payload) : payload]);
}

/**
 * In the place of the socket's own: `ws` and Node end it when the client says no more, which still hears what was sent
 * to it before.
 */
function flushAndEnd(this: WiredSocket, ...args: unknown[]): WiredSocket {
  this[wireOf]?.flushAll();
  return Reflect.apply(Reflect.get(Object.getPrototypeOf(this) as Duplex, 'end') as End, this, args);
}
