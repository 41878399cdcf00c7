import { io, type Socket } from 'socket.io-client';
import { answerTo, eventNames, type Payload } from './work.js';

export type ClientCommand =
  | { readonly type: 'connect'; readonly url: string; readonly clients: number }
  | {
      readonly type: 'talk';
      /** How many of the clients talk; each waits for an answer before it goes on. */
      readonly talkers: number;
      readonly eventsEach: number;
      readonly handlers: number;
    };

export type ClientNews =
  | { readonly type: 'connected' }
  | {
      readonly type: 'talked';
      readonly events: number;
      /** Acknowledgements that came in, counted on the wire. */
      readonly acknowledgements: number;
      readonly wrongAnswers: number;
    };

const atATime = 50;
const acknowledgementTypes: readonly number[] = [3, 6];
const sockets: Socket[] = [];
let acknowledgements = 0;

process.on('message', (command: ClientCommand) => {
  void (command.type === 'connect' ? connectAll(command) : talk(command)).then(tell);
});

async function connectAll({ url, clients }: Extract<ClientCommand, { type: 'connect' }>): Promise<ClientNews> {
  while (sockets.length < clients) {
    await Promise.all(Array.from({ length: Math.min(atATime, clients - sockets.length) }, () => connect(url)));
  }
  return { type: 'connected' };
}

function connect(url: string): Promise<void> {
  const socket = io(url, { transports: ['websocket'], forceNew: true, reconnection: false });
  sockets.push(socket);
  socket.io.on('packet', ({ type }) => {
    if (acknowledgementTypes.includes(type)) acknowledgements++;
  });
  return new Promise((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('connect_error', reject);
  });
}

async function talk(command: Extract<ClientCommand, { type: 'talk' }>): Promise<ClientNews> {
  const { talkers, eventsEach, handlers } = command;
  const names = eventNames(handlers);
  const before = acknowledgements;
  let wrongAnswers = 0;
  await Promise.all(
    sockets.slice(0, talkers).map(async (socket, talker) => {
      for (let sequence = 0; sequence < eventsEach; sequence++) {
        const payload: Payload = { text: 'x'.repeat(100), sequence };
        const answer: unknown = await socket.emitWithAck(names[(talker + sequence) % names.length]!, payload);
        if (JSON.stringify(answer) !== JSON.stringify(answerTo(payload))) wrongAnswers++;
      }
    }),
  );
  // An answer that came twice would still be on its way: it is there before that of a last round trip.
  await Promise.all(
    sockets.slice(0, talkers).map((socket) => socket.emitWithAck(names[0]!, { text: '', sequence: 0 })),
  );
  return {
    type: 'talked',
    events: talkers * (eventsEach + 1),
    acknowledgements: acknowledgements - before,
    wrongAnswers,
  };
}

function tell(news: ClientNews): void {
  process.send!(news);
}
