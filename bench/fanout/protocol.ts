/** The event, or channel, of every message. */
export const eventName = 'm';

/** What a client says to a server, and which of the server's texts are what. */
export interface Protocol {
  readonly path: string;
  /** Said once the WebSocket is open. */
  readonly hello: string | undefined;
  /** What a text that is no message wants to hear. */
  answer(text: string): string | undefined;
  /** After which text the client gets messages. */
  connects(text: string): boolean;
  /** What a text with a message has around its payload. */
  readonly around: readonly [before: string, after: string];
}

const socketIo: Protocol = {
  path: '/socket.io/?EIO=4&transport=websocket',
  hello: undefined,
  answer: (text) => {
    if (text.startsWith('0{')) return '40';
    return text === '2' ? '3' : undefined;
  },
  connects: (text) => text.startsWith('40{'),
  around: [`42["${eventName}","`, '"]'],
};

const subscribed = 2;

const socketCluster: Protocol = {
  path: '/socketcluster/',
  hello: JSON.stringify({ event: '#handshake', data: { authToken: null }, cid: 1 }),
  answer: (text) => {
    if (text.startsWith('{"rid":1,')) {
      return JSON.stringify({ event: '#subscribe', data: { channel: eventName }, cid: subscribed });
    }
    return text === '' ? '' : undefined;
  },
  connects: (text) => text.startsWith(`{"rid":${subscribed}`),
  around: [`{"event":"#publish","data":{"channel":"${eventName}","data":"`, '"}}'],
};

export const protocols = { socketIo, socketCluster };

export type ProtocolName = keyof typeof protocols;

/** What Socket.IO sends before the bytes of a message that has one attachment. */
export const binaryHeader = `451-["${eventName}",{"_placeholder":true,"num":0}]`;

const joinAcknowledgement = 0;

export function joinPacket(rooms: readonly string[]): string {
  return `42${joinAcknowledgement}${JSON.stringify(['join', rooms])}`;
}

export function saysJoined(text: string): boolean {
  return text.startsWith(`43${joinAcknowledgement}[`);
}
