import { EventEmitter, once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { IpcEnd } from '../../src/ipc.js';
import { HandoverRelay } from '../../src/sessions/handover-relay.js';
import { handoverTopic } from '../../src/sessions/handover.protocol.js';

describe('the relay of connections', () => {
  it('refuses one whose worker is not there, and keeps nothing open for a client that does not go', async () => {
    const { near, far } = await connectPair();
    const relay = new HandoverRelay();
    const worker = new Worker();
    relay.attach(1, worker);
    // Something has come that nobody is going to read.
    far.write('early');
    await once(near, 'readable');

    worker.emit('message', { topic: handoverTopic, payload: upgradeFor(7) }, near);

    expect((await received(far)).toString()).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n[^]*Session ID unknown$/);
    if (!near.closed) await once(near, 'close');
    expect(worker.sent).toEqual([{ topic: handoverTopic, payload: { type: 'taken' } }]);
  });

  it('refuses those that wait for a worker which dies', async () => {
    const pairs = [await connectPair(), await connectPair()];
    const relay = new HandoverRelay();
    const [sender, victim] = [new Worker(), new Worker()];
    relay.attach(1, sender);
    const bury = relay.attach(2, victim);
    for (const { near } of pairs) sender.emit('message', { topic: handoverTopic, payload: upgradeFor(2) }, near);

    bury();

    expect((await received(pairs[1]!.far)).toString()).toMatch(/^HTTP\/1\.1 400 Bad Request/);
    await Promise.all(pairs.map(async ({ near }) => near.closed || once(near, 'close')));
  });
});

class Worker extends EventEmitter implements IpcEnd {
  readonly connected = true;
  readonly sent: unknown[] = [];

  send(message: unknown): boolean {
    this.sent.push(message);
    return true;
  }
}

function upgradeFor(fork: number) {
  const [method, url, httpVersion] = ['GET', '/', '1.1'];
  const head = Buffer.alloc(0);
  return { type: 'upgrade', fork, server: 0, method, url, httpVersion, headers: {}, rawHeaders: [], head };
}

/** What comes until the other end ends; this one never does. */
async function received(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => void chunks.push(chunk));
  await once(socket, 'end');
  return Buffer.concat(chunks);
}

async function connectPair(): Promise<{ near: Socket; far: Socket }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const far = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true });
  const [near] = (await once(server, 'connection')) as [Socket];
  server.close();
  onTestFinished(() => {
    far.destroy();
    near.destroy();
  });
  return { near, far };
}
