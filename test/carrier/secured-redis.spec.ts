import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { RedisCarrier } from '../../src/carrier/redis.carrier.js';
import { ShardedCarrier } from '../../src/carrier/sharded.carrier.js';
import type { RedisAccess } from '../../src/redis-address.js';
import { ensureTool } from '../support/debian-package.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { inboxOf } from '../support/inbox.js';
import { connected } from '../support/redis-carriers.js';
import { type RedisCluster, startCluster } from '../support/redis-cluster.js';
import { type RedisServer, startRedis } from '../support/redis-server.js';
import { contentsOf, makeCertificates, tlsOptions } from '../support/redis-tls.js';
import { openssl } from '../support/tools.js';
import { describeCarrier } from './carrier.contract.js';

const user = 'chat@host';
const password = 's3cret/word?#';
const encoded = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`;

/** What the README says that a carrier's user must be allowed. */
const rules = {
  single: '&* -@all +publish +subscribe +unsubscribe +psubscribe +punsubscribe +pubsub|numsub +ping +info',
  sharded: '-@all +spublish +ssubscribe +sunsubscribe +pubsub|shardnumsub +cluster|slots +ping +info',
};

describe('over TLS, with a client certificate and a user of few rights', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'redis-tls-'));
  let redis: RedisServer;
  let access: RedisAccess;

  beforeAll(async () => {
    const files = makeCertificates(ensureTool(openssl), folder, 'redis.example');
    const port = await freePort();
    redis = await startRedis(inject('redisServer'), port, tlsOptions(port, files));
    const tls = { ...contentsOf(files), serverName: 'redis.example' };
    access = { url: `rediss://${encoded}@127.0.0.1:${port}`, tls };
    const admin = new Redis(`rediss://127.0.0.1:${port}`, { tls: { ...tls, servername: tls.serverName } });
    await admin.call('ACL', 'SETUSER', user, 'on', `>${password}`, ...rules.single.split(' '));
    await admin.call('ACL', 'SETUSER', 'default', 'off');
    admin.disconnect();
  });

  afterAll(async () => {
    await redis.stop();
    rmSync(folder, { recursive: true });
  });

  describeCarrier('Redis', (count) => Promise.all(Array.from({ length: count }, () => connected(access))));

  it.each([
    ['another authority', () => ({ ...access, tls: { ...access.tls, ca: undefined } }), /self.signed|unable to/],
    ['another name', () => ({ ...access, tls: { ...access.tls, serverName: 'other.example' } }), /does not match/],
    ['no certificate of its own', () => ({ ...access, tls: { ...access.tls, cert: undefined, key: undefined } }), /./],
    ['a wrong password', () => ({ ...access, url: access.url.replace('s3cret', 'f4lse') }), /WRONGPASS/],
  ])('refuses %s, and says why', async (_, wrong, reason) => {
    const carrier = new RedisCarrier(wrong());
    onTestFinished(() => carrier.close());

    const error = await carrier.connect(1_000).catch(({ message }: Error) => message);

    expect(error).toMatch(reason);
    expect(error).not.toMatch(/s3cret|f4lse/);
  });
});

describe('a cluster that knows a user of few rights', () => {
  let cluster: RedisCluster;

  beforeAll(async () => {
    cluster = await startCluster(inject('redisServer'));
    for (const port of cluster.ports) {
      await cluster.ask(port).call('ACL', 'SETUSER', user, 'on', `>${password}`, '&*', ...rules.sharded.split(' '));
    }
  });

  afterAll(() => cluster.stop());

  describeCarrier(
    'sharded',
    (count) =>
      Promise.all(
        Array.from({ length: count }, async () => {
          const carrier = new ShardedCarrier({ url: cluster.url.replace('//', `//${encoded}@`) });
          onTestFinished(() => carrier.close());
          await carrier.connect(10_000);
          return carrier;
        }),
      ),
    { hearsPrefixes: false },
  );
});

describe('a cluster that knows a user of the channels under one key', () => {
  it('carries those, and nothing else', async () => {
    const cluster = await startCluster(inject('redisServer'));
    onTestFinished(() => cluster.stop());
    for (const port of cluster.ports) {
      const channels = ['resetchannels', '&key*', '&{key#*'];
      await cluster
        .ask(port)
        .call('ACL', 'SETUSER', user, 'on', `>${password}`, ...channels, ...rules.sharded.split(' '));
    }
    const carrier = new ShardedCarrier({ url: cluster.url.replace('//', `//${encoded}@`) });
    onTestFinished(() => carrier.close());
    await carrier.connect(10_000);
    const inbox = inboxOf(carrier);
    const own = ['key#/#', 'key#/#room#', 'key-request#/#', 'key-response#/#id#', 'key-beat'];
    await carrier.subscribe(own);

    for (const channel of [...own, 'other#/#']) carrier.publish(channel, Buffer.from('x'));

    await inbox.until(() => inbox.channels.length === own.length);
    await eventually(
      () => carrier.health.lost,
      (lost) => lost === 1,
    );
    expect(inbox.channels.toSorted()).toEqual(own.toSorted());
  });
});

describe('the rules of the README', () => {
  it.each(['single', 'sharded'] as const)('are those that the tests run with, for REDIS_MODE=%s', (mode) => {
    expect(readFileSync('README.md', 'utf8')).toContain(rules[mode]);
  });
});
