import { describe, expect, it } from 'vitest';
import { audienceSize, concerns, roomFor, roomsEach, roomsOf } from '../../../bench/fanout/workload.js';

const clients = 120;
const everyClient = Array.from({ length: clients }, (_, client) => client);

describe('a message', () => {
  it.each(['shared room', 'one room of many'] as const)('to a %s concerns the members of its room', (audience) => {
    for (const sequence of [1, 48, 49, 119, 120, 1_000]) {
      const room = roomFor(audience, sequence, clients)!;
      const members = everyClient.filter((client) => roomsOf(client, clients).includes(room));

      expect(everyClient.filter((client) => concerns(audience, client, sequence, clients))).toEqual(members);
      expect(members).toHaveLength(audienceSize(audience, clients));
    }
  });

  it('to all has no room', () => {
    expect(roomFor('all', 1, clients)).toBeUndefined();
    expect(everyClient.filter((client) => concerns('all', client, 1, clients))).toHaveLength(
      audienceSize('all', clients),
    );
  });
});

describe('a client', () => {
  it('is in as many rooms as the bench says', () => {
    expect(new Set(roomsOf(100, clients)).size).toBe(roomsEach);
  });
});
