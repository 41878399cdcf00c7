import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { carriers } from '../support/carriers.js';
import { next, openUntyped } from '../support/clients.js';
import { type Node, startNodes } from '../support/nodes.js';
import { argumentsOf, forms, nameOf, nameOfArrived, type Word } from '../support/words.js';

const count = 30;
const fewestMessages = 300;
const transports = ['polling', 'websocket'];

describe.each(carriers)('over the %s carrier', (carrier) => {
  it(`${count} clients hear both nodes once and in order while each goes from polling to WebSocket`, async () => {
    const [near, far] = (await startNodes(carrier, 2, { server: { transports: ['polling', 'websocket'] } })) as [
      Node,
      Node,
    ];
    const meant = new Map<string, string[]>();
    const meantByPolling = new Map<string, number>();
    near.server.on('connection', ({ id, conn }) => {
      meant.set(id, []);
      conn.once('upgrade', () => {
        meantByPolling.set(id, meant.get(id)!.length);
        // The new transport is there, and does not have yet what waited for it.
        const word: Word = { origin: 0, sequence: -meantByPolling.size, form: 'text', size: 20 };
        near.server.to(id).emit('said', ...argumentsOf(word));
        meant.get(id)!.push(nameOf(word));
      });
    });
    const listeners = Array.from({ length: count }, () => listen(near.url));
    const upgraded = Promise.all(listeners.map(({ upgrade }) => upgrade));

    const farWords = await talkUntil(upgraded, near, far, meant);

    await Promise.all(listeners.map(({ fenced }) => fenced));
    for (const { client, heard } of listeners) {
      expect(heard[0]).toEqual(meant.get(client.id!));
      // The first that reach it from the other node are on their way when it connects.
      expect(heard[1]).toEqual(farWords.slice(-heard[1].length));
      expect(meantByPolling.get(client.id!)).toBeGreaterThan(0);
      expect(client.io.engine.transport.name).toBe('websocket');
    }
    expect(farWords.length).toBeGreaterThanOrEqual(fewestMessages);
  });
});

/** What each of the two nodes sends is apart, as their order is. */
function listen(url: string) {
  const client = openUntyped(url, { transports, reconnection: false });
  const heard: [string[], string[]] = [[], []];
  client.on('said', (...args: unknown[]) => void heard[args[0] as 0 | 1].push(nameOfArrived(args)));
  const upgrade = new Promise((resolve) => client.io.engine.once('upgrade', resolve));
  const fenced = Promise.all([next(client, 'fence of near'), next(client, 'fence of far')]);
  return { client, heard, upgrade, fenced };
}

/** A few messages in each turn, to all and to single ones, of every form. Resolves with what the far node has sent. */
async function talkUntil(enough: Promise<unknown>, near: Node, far: Node, meant: Map<string, string[]>) {
  const farWords: string[] = [];
  const state = { isEnough: false };
  void enough.then(() => (state.isEnough = true));
  for (let sequence = 0; !state.isEnough || sequence < fewestMessages; sequence++) {
    const word = (origin: number, part: number): Word => ({
      origin,
      sequence: 3 * sequence + part,
      form: forms[(sequence + part) % forms.length]!,
      size: 10 * (sequence % 20),
    });
    const [toAll, toOne, fromFar] = [word(0, 0), word(0, 1), word(1, 0)];
    near.server.emit('said', ...argumentsOf(toAll));
    for (const words of meant.values()) words.push(nameOf(toAll));
    for (const [id, words] of meant) {
      near.server.sockets.sockets.get(id)!.emit('said', ...argumentsOf(toOne));
      words.push(nameOf(toOne));
    }
    far.server.emit('said', ...argumentsOf(fromFar));
    farWords.push(nameOf(fromFar));
    await turn();
  }
  near.server.emit('fence of near');
  far.server.emit('fence of far');
  return farWords;
}
