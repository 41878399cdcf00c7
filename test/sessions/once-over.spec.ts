import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { onceOver } from '../../src/sessions/once-over.js';
import { eventually } from '../support/eventually.js';

describe('the end of a request', () => {
  it('is noticed once for each of those that wait behind one another when their connection goes', async () => {
    const { url, over, begun, answerAll } = await startHeld();
    const connection = connect(url.port, '127.0.0.1');
    connection.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(20));
    await eventually(begun, (count) => count === 20);

    connection.destroy();

    await eventually(over, (count) => count >= 20);
    answerAll();
    expect(over()).toBe(20);
  });

  it('leaves nothing at a connection that goes on', async () => {
    const { url, over, begun, answerAll, listeners } = await startHeld();
    const connection = connect(url.port, '127.0.0.1').resume();
    onTestFinished(() => void connection.destroy());
    connection.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(5));
    await eventually(begun, (count) => count === 5);

    answerAll();

    await eventually(over, (count) => count === 5);
    // Node takes one of its own away as well.
    expect(listeners()).toBeLessThanOrEqual(0);
  });
});

async function startHeld() {
  let [over, begun, listeners] = [0, 0, () => 0];
  const answers: (() => void)[] = [];
  const server = createServer((request, response) => {
    const before = request.socket.listenerCount('close');
    if (begun++ === 0) listeners = () => request.socket.listenerCount('close') - before;
    answers.push(() => void response.end());
    onceOver(request, response, () => void over++);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: { port: (server.address() as AddressInfo).port },
    over: () => over,
    begun: () => begun,
    listeners: () => listeners(),
    answerAll: () => answers.forEach((answer) => answer()),
  };
}
