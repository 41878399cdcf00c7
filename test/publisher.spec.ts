import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseRequest, Publisher, type PublisherOptions } from '../src/publisher.js';
import { RecordingCarrier } from './support/recording-carrier.js';

const requests = 'key-request#/#';

describe('the publisher', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
  afterEach(() => void vi.useRealTimers());

  it('passes messages on as they are', () => {
    const { publisher, carrier } = given();
    const bytes = Buffer.from([0, 255, 0x7b]);

    publisher.publish('key#/#', bytes);
    publisher.publish('key#/#lobby#', 'text ä');

    expect(carrier.published).toEqual([
      { channel: 'key#/#', message: bytes },
      { channel: 'key#/#lobby#', message: Buffer.from('text ä') },
    ]);
  });

  it('sends the messages of a room to its namespace after a request to join it, and no others', () => {
    const { publisher, carrier } = given();

    publisher.publish(requests, joinRequest(['lobby', 'hall']));
    for (const room of ['lobby', 'hall', 'other', 'lobby#', 'lobb']) publisher.publish(`key#/#${room}#`, 'x');
    publisher.publish('key#/#', 'x');
    publisher.publish('key#/chat#lobby#', 'x');

    expect(carrier.channels).toEqual([
      requests,
      'key#/#',
      'key#/#',
      'key#/#other#',
      'key#/#lobby##',
      'key#/#lobb#',
      'key#/#',
      'key#/chat#lobby#',
    ]);
  });

  it('does so in the namespace of the request', () => {
    const { publisher, carrier } = given();

    publisher.publish('key-request#/chat#', joinRequest(['lobby']));
    publisher.publish('key#/chat#lobby#', 'x');
    publisher.publish('key#/#lobby#', 'x');

    expect(carrier.channels.slice(1)).toEqual(['key#/chat#', 'key#/#lobby#']);
  });

  it('does so after another’s request as well, without sending that', () => {
    const { publisher, carrier } = given();

    publisher.observe(requests, parseRequest(Buffer.from(joinRequest(['lobby', 7])))!);
    for (const room of ['lobby', '7']) publisher.publish(`key#/#${room}#`, 'x');

    expect(carrier.channels).toEqual(['key#/#', 'key#/#']);
  });

  it('stops doing so when the window is over', () => {
    const { publisher, carrier } = given({ joinWindowMs: 1_000 });
    publisher.publish(requests, joinRequest(['lobby']));

    vi.advanceTimersByTime(999);
    publisher.publish('key#/#lobby#', 'x');
    vi.advanceTimersByTime(1);
    publisher.publish('key#/#lobby#', 'x');

    expect(carrier.channels).toEqual([requests, 'key#/#', 'key#/#lobby#']);
  });

  it('does so for 5 s when it is not told otherwise', () => {
    const { publisher, carrier } = given();
    publisher.publish(requests, joinRequest(['lobby']));

    vi.advanceTimersByTime(4_999);
    publisher.publish('key#/#lobby#', 'x');
    vi.advanceTimersByTime(1);
    publisher.publish('key#/#lobby#', 'x');

    expect(carrier.channels).toEqual([requests, 'key#/#', 'key#/#lobby#']);
  });

  it('begins the window anew with each request, for that room alone', () => {
    const { publisher, carrier } = given({ joinWindowMs: 1_000 });
    publisher.publish(requests, joinRequest(['lobby', 'hall']));
    vi.advanceTimersByTime(600);
    publisher.publish(requests, joinRequest(['lobby']));
    vi.advanceTimersByTime(600);

    publisher.publish('key#/#lobby#', 'x');
    publisher.publish('key#/#hall#', 'x');

    expect(carrier.channels.slice(2)).toEqual(['key#/#', 'key#/#hall#']);
  });

  it('never does so with a window of 0', () => {
    const { publisher, carrier } = given({ joinWindowMs: 0 });

    publisher.publish(requests, joinRequest(['lobby']));
    publisher.publish('key#/#lobby#', 'x');

    expect(carrier.channels).toEqual([requests, 'key#/#lobby#']);
  });

  it.each([
    ['a request to leave', JSON.stringify({ type: 3, opts: { rooms: [] }, rooms: ['lobby'] })],
    ['a request to disconnect', JSON.stringify({ type: 4, opts: { rooms: [] }, close: true })],
    ['a request of the old form', JSON.stringify({ type: 2, sid: 'id', room: 'lobby' })],
    ['rooms that are no list', JSON.stringify({ type: 2, opts: {}, rooms: 'lobby' })],
    ['a request that is cut short', '{"type":2,"opts":{},"rooms":["lobby"'],
    ['no bytes', ''],
  ])('changes nothing after %s, and passes it on', (_, request) => {
    const { publisher, carrier } = given();

    publisher.publish(requests, request);
    publisher.publish('key#/#lobby#', 'x');

    expect(carrier.channels).toEqual([requests, 'key#/#lobby#']);
    expect(carrier.published[0]!.message.toString()).toBe(request);
  });

  it('keeps in mind only so many rooms, the latest', () => {
    const { publisher, carrier } = given();
    const rooms = Array.from({ length: 100_001 }, (_, index) => `room ${index}`);

    publisher.observe(requests, { type: 2, opts: {}, rooms });
    for (const room of ['room 0', 'room 1', 'room 100000']) publisher.publish(`key#/#${room}#`, 'x');

    expect(carrier.channels).toEqual(['key#/#room 0#', 'key#/#', 'key#/#']);
  });

  it('takes no message to a room for a request, whatever it says', () => {
    const { publisher, carrier } = given();

    publisher.publish('key#/#', joinRequest(['lobby']));
    publisher.publish('other-request#/#', joinRequest(['lobby']));
    publisher.publish('key#/#lobby#', 'x');

    expect(carrier.channels.at(-1)).toBe('key#/#lobby#');
  });
});

describe('parseRequest', () => {
  it('reads JSON objects', () => {
    expect(parseRequest(Buffer.from('{"type":2}'))).toEqual({ type: 2 });
  });

  it.each(['', '[]', 'null', '{', '\x82'])('takes %j for none', (text) => {
    expect(parseRequest(Buffer.from(text))).toBeUndefined();
  });
});

function given(options: Partial<PublisherOptions> = {}) {
  const carrier = new RecordingCarrier();
  return { carrier, publisher: new Publisher(carrier, { key: 'key', ...options }) };
}

function joinRequest(rooms: readonly unknown[]): string {
  return JSON.stringify({ uid: 'x', type: 2, opts: { rooms: ['a'], except: [] }, rooms });
}
