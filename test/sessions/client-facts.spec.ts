import { randomBytes } from 'node:crypto';
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import {
  applyFacts,
  type ClientFacts,
  connectionFactsOf,
  factsHeader,
  openFacts,
  partHeaders,
  restore,
  sealFacts,
} from '../../src/sessions/client-facts.js';

const key = randomBytes(32);

const facts: ClientFacts = {
  remoteAddress: '192.0.2.7',
  remotePort: 50_123,
  remoteFamily: 'IPv4',
  localAddress: '192.0.2.1',
  localPort: 443,
  encrypted: true,
  httpVersion: '1.0',
  ofConnection: ['Connection', 'close'],
  server: 0,
  nudge: false,
};

describe('facts about a client', () => {
  it('arrive as they were sealed', () => {
    expect(openFacts(requestWith(sealFacts(facts, key)), key)).toEqual(facts);
  });

  it.each([
    ['sealed with another key', sealFacts(facts, randomBytes(32))],
    ['changed', sealFacts(facts, key).replace(/^./, (first) => (first === 'A' ? 'B' : 'A'))],
    ['without a seal', sealFacts(facts, key).split('.')[0]!],
    ['with an empty seal', `${sealFacts(facts, key).split('.')[0]}.`],
    ['that are no facts', 'true'],
    ['that are empty', ''],
  ])('are not believed: %s', (_, header) => {
    expect(openFacts(requestWith(header), key)).toBeUndefined();
  });

  it('are not there where nobody has told any', () => {
    expect(openFacts(new IncomingMessage(new Socket()), key)).toBeUndefined();
  });

  it('make a connection between workers look like the client’s', () => {
    const socket = new Socket();

    applyFacts(facts, socket);

    const { remoteAddress, remotePort, remoteFamily, localAddress, localPort, encrypted } = facts;
    expect(connectionFactsOf(socket)).toEqual({
      remoteAddress,
      remotePort,
      remoteFamily,
      localAddress,
      localPort,
      encrypted,
    });
  });

  it('give a request the headers and the version that the client sent', () => {
    const sent = ['Host', 'example.org', 'Connection', 'close', 'X-Twice', '1', 'x-twice', '2'];
    const { travelling, ofConnection } = partHeaders([...sent, factsHeader, 'forged']);
    const request = requestWith(sealFacts(facts, key));
    request.rawHeaders = [...travelling, factsHeader, sealFacts(facts, key), 'Connection', 'keep-alive'];
    request.headers['connection'] = 'keep-alive';

    restore(request, { ...facts, ofConnection });

    expect(request.rawHeaders.toSorted()).toEqual(sent.toSorted());
    expect(request.headers).toEqual({ connection: 'close' });
    expect([request.httpVersion, request.httpVersionMajor, request.httpVersionMinor]).toEqual(['1.0', 1, 0]);
  });
});

function requestWith(header: string): IncomingMessage {
  const request = new IncomingMessage(new Socket());
  request.headers = { [factsHeader]: header };
  return request;
}
