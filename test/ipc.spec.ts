import { EventEmitter } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { type IpcEnd, IpcTopic } from '../src/ipc.js';
import { refusedMessages } from '../src/refused-messages.js';

describe('a topic of an IPC channel', () => {
  it('carries a payload to the same topic at the other end', () => {
    const [primary, worker] = channel();
    const heard = listen(worker, 'cluster');

    new IpcTopic(primary, 'cluster').send({ type: 'stop' });

    expect(heard).toEqual([{ type: 'stop' }]);
  });

  it('hears nothing of other topics, nor what is no message of ours', () => {
    const [primary, worker] = channel();
    const heard = listen(worker, 'cluster');

    new IpcTopic(primary, 'carrier').send('for the carrier');
    for (const stray of [null, undefined, 'cluster', 7, {}, { topic: 'cluster' }, { cmd: 'NODE_CLUSTER' }]) {
      worker.emit('message', stray);
    }
    new IpcTopic(primary, 'cluster').send('fence');

    expect(heard).toEqual(['fence']);
  });

  it.each([null, undefined, 7, 'text', [], {}, { type: null }])('survives and counts the payload %j', (payload) => {
    const [primary, worker] = channel();
    const heard: unknown[] = [];
    new IpcTopic<{ type: { name: string } }, unknown>(worker, 'cluster').listen(({ type }) => heard.push(type.name));
    const before = refusedMessages.total;

    new IpcTopic(primary, 'cluster').send(payload);
    new IpcTopic(primary, 'cluster').send({ type: { name: 'fence' } });

    expect(heard).toEqual(['fence']);
    expect(refusedMessages.total - before).toBe(1);
  });

  it('closes the connection that came with a payload which nobody could take', () => {
    const [, worker] = channel();
    const destroy = vi.fn<() => void>();
    new IpcTopic<{ type: { name: string } }, unknown>(worker, 'cluster').listen(({ type }) => type.name);

    worker.emit('message', { topic: 'cluster', payload: null }, { destroy });

    expect(destroy).toHaveBeenCalledOnce();
  });

  it('hears nothing once listening has ended', () => {
    const [primary, worker] = channel();
    const heard: unknown[] = [];
    const unlisten = new IpcTopic<unknown, unknown>(worker, 'cluster').listen((payload) => heard.push(payload));

    unlisten();
    new IpcTopic(primary, 'cluster').send('too late');

    expect(heard).toEqual([]);
    expect(worker.listenerCount('message')).toBe(0);
  });

  it('says when a message has left', async () => {
    const [primary] = channel();

    expect(await sent(primary)).toBeNull();
  });

  it('says that the channel is closed rather than throw', async () => {
    const [primary, worker] = channel();
    const heard = listen(worker, 'cluster');
    primary.connected = false;

    expect(await sent(primary)).toEqual(new Error('The IPC channel is closed.'));
    expect(heard).toEqual([]);
  });

  it('says the same of a process that was not forked', async () => {
    const orphan: IpcEnd = Object.assign(new EventEmitter(), { connected: true });

    expect(await sent(orphan)).toEqual(new Error('The IPC channel is closed.'));
  });
});

/** Two ends of which each hears what the other sends. */
function channel(): [FakeEnd, FakeEnd] {
  const [primary, worker] = [new FakeEnd(), new FakeEnd()];
  primary.other = worker;
  worker.other = primary;
  return [primary, worker];
}

class FakeEnd extends EventEmitter implements IpcEnd {
  connected = true;
  other: EventEmitter | undefined;

  send(message: unknown, _handle: undefined, _options: undefined, done: (error: Error | null) => void): boolean {
    this.other?.emit('message', message);
    process.nextTick(done, null);
    return true;
  }
}

function listen(end: IpcEnd, name: string): unknown[] {
  const heard: unknown[] = [];
  new IpcTopic<unknown, unknown>(end, name).listen((payload) => heard.push(payload));
  return heard;
}

function sent(end: IpcEnd): Promise<Error | null> {
  return new Promise((resolve) => new IpcTopic(end, 'cluster').send('payload', resolve));
}
