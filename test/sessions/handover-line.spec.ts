import { EventEmitter } from 'node:events';
import { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { type IpcEnd, IpcTopic } from '../../src/ipc.js';
import { HandoverLine } from '../../src/sessions/handover-line.js';
import { type HandedUpgrade, type HandoverMessage, handoverTopic } from '../../src/sessions/handover.protocol.js';

describe('a line of connections to hand over', () => {
  it('has one under way at a time, so that other messages pass in between', () => {
    const { line, sent } = openLine();

    for (const url of ['/1', '/2', '/3']) line.put(upgradeTo(url), new Socket());
    expect(sent()).toEqual(['/1']);
    line.taken();
    expect(sent()).toEqual(['/1', '/2']);
    line.taken();
    line.taken();
    expect(sent()).toEqual(['/1', '/2', '/3']);
  });

  it('leaves out what its client has given up meanwhile', () => {
    const { line, sent } = openLine();
    const [first, second, third] = [new Socket(), new Socket(), new Socket()];

    line.put(upgradeTo('/1'), first);
    line.put(upgradeTo('/2'), second);
    line.put(upgradeTo('/3'), third);
    second.destroy();
    line.taken();

    expect(sent()).toEqual(['/1', '/3']);
  });

  it('sends along what had come by then', () => {
    const { line, messages } = openLine();
    const connection = new Socket();
    connection.push('later');

    line.put({ ...upgradeTo('/1'), head: Buffer.from('early, ') }, connection);

    expect(Buffer.from((messages[0] as HandedUpgrade).head).toString()).toBe('early, later');
  });

  it('lets go of its own end once a connection has left', () => {
    const { line, leave } = openLine();
    const connection = new Socket();

    line.put(upgradeTo('/1'), connection);
    expect(connection.destroyed).toBe(false);
    leave();

    expect(connection.destroyed).toBe(true);
  });

  it('refuses more than 1,000 that wait', () => {
    const { line, sent } = openLine();
    const connections = Array.from({ length: 1_002 }, () => new Socket());

    for (const connection of connections) line.put(upgradeTo('/'), connection);

    expect(sent()).toHaveLength(1);
    expect(connections.filter(({ destroyed }) => destroyed)).toEqual([connections.at(-1)]);
  });

  it('returns what nobody will take when the other end has gone, and closes what was under way', () => {
    const { line } = openLine();
    const [underWay, waiting] = [new Socket(), new Socket()];
    line.put(upgradeTo('/1'), underWay);
    line.put(upgradeTo('/2'), waiting);

    expect(line.end()).toEqual([waiting]);
    expect([underWay.destroyed, waiting.destroyed]).toEqual([true, false]);
  });
});

function openLine() {
  const messages: HandoverMessage[] = [];
  const leaving: ((error: null) => void)[] = [];
  const end: IpcEnd = Object.assign(new EventEmitter(), {
    connected: true,
    send: (message: unknown, _connection: unknown, _options: unknown, done: (error: null) => void) => {
      messages.push((message as { payload: HandoverMessage }).payload);
      leaving.push(done);
      return true;
    },
  });
  return {
    line: new HandoverLine(new IpcTopic(end, handoverTopic)),
    messages,
    sent: () => messages.map((message) => (message.type === 'upgrade' ? message.url : message.type)),
    leave: () => leaving.shift()!(null),
  };
}

function upgradeTo(url: string): HandedUpgrade {
  return {
    type: 'upgrade',
    fork: 1,
    server: 0,
    method: 'GET',
    url,
    httpVersion: '1.1',
    headers: {},
    rawHeaders: [],
    head: Buffer.alloc(0),
    client: undefined,
  };
}
