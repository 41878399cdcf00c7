import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { hashSlot } from '../../src/carrier/hash-slot.js';
import { shardChannel } from '../../src/carrier/shard-channel.js';
import { ownRedis } from '../support/redis-carriers.js';

const names = [
  '',
  'a',
  '123456789',
  'key#/#',
  'key#/#räum 日本#',
  'x'.repeat(1_000),
  'a\r\nb\0',
  '{a}',
  '{a}b',
  'b{a}',
  '{}a',
  'a{}',
  '{a',
  'a}',
  '}{a}',
  '{{a}}b',
  '{a}{b}',
  'x{ä}y',
];

describe('the slot of a name', () => {
  it('is what Redis says it is', async () => {
    const { url } = await ownRedis(undefined, ['--cluster-enabled', 'yes', '--cluster-port', '0']);
    const redis = new Redis(url);
    onTestFinished(() => redis.disconnect());

    expect(names.map(hashSlot)).toEqual(await Promise.all(names.map((name) => redis.cluster('KEYSLOT', name))));
  });
});

describe('the requests of a namespace', () => {
  it.each(['/', '/chat', '/räum', '/a{b}c', '/{b'])(
    'are carried by the node that carries its messages: %s',
    (namespace) => {
      for (const key of ['socket.io', 'team:a', '{team}', '{']) {
        const requests = shardChannel(`${key}-request#${namespace}#`);

        expect(hashSlot(requests)).toBe(hashSlot(shardChannel(`${key}#${namespace}#`)));
      }
    },
  );

  it('have a channel that no other has', () => {
    const channels = [
      'a-request#/#',
      'a-request#/b#',
      'b-request#/#',
      'a#/#',
      'a-response#/#',
      'a#/#x-request#',
      'request#',
    ];

    expect(new Set(channels.map(shardChannel)).size).toBe(channels.length);
  });
});

it('leaves every other channel its name', () => {
  const channels = [
    'socket.io#/#',
    'socket.io#/#a-request#',
    'socket.io-response#/#id#',
    'socket.io-beat',
    'x-requests#',
  ];

  expect(channels.map(shardChannel)).toEqual(channels);
});
