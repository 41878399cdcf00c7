import { readFileSync } from 'node:fs';
import os from 'node:os';
import { describe, expect, it } from 'vitest';
import { type Config, leaseRedisOf, readConfig } from '../src/config.js';
import { ConfigError } from '../src/errors.js';
import { chooseListenMode } from '../src/listen-mode.js';

const redisForm =
  'redis://[user:password@]host[:port][/db] or redis-sentinel://[user:password@]host[:port][,host…]/master[/db], ' +
  'or the same with rediss';
const clusterForm =
  'redis://[user:password@]host[:port][,host[:port]…] or the same with rediss, where REDIS_MODE is "sharded"';
const pemForm = 'a file in PEM that this process can read';
const certificate = 'test/fixtures/tls/certificate.pem';
const certificateKey = 'test/fixtures/tls/key.pem';

const accepted: readonly (readonly [variable: string, value: string, key: keyof Config, read: unknown])[] = [
  ['PORT', '0', 'port', 0],
  ['PORT', '8080', 'port', 8080],
  ['PORT', '65535', 'port', 65_535],
  ['HOST', '127.0.0.1', 'host', '127.0.0.1'],
  ['HOST', '::1', 'host', '::1'],
  ['HOST', 'fe80::1%eth0', 'host', 'fe80::1%eth0'],
  ['HOST', 'chat-1.example.com', 'host', 'chat-1.example.com'],
  ['LISTEN', 'round-robin', 'listen', 'round-robin'],
  ['LISTEN', 'auto', 'listen', readConfig({}).listen],
  ['WORKERS', '1', 'workers', 1],
  ['WORKERS', '1024', 'workers', 1024],
  ['REDIS_URL', 'redis://localhost', 'redisUrl', 'redis://localhost'],
  ['REDIS_URL', 'redis://127.0.0.1:6380/2', 'redisUrl', 'redis://127.0.0.1:6380/2'],
  ['REDIS_URL', 'redis://:secret@[::1]:6379/', 'redisUrl', 'redis://:secret@[::1]:6379/'],
  ['REDIS_URL', 'rediss://user:s%2Fcret@cache.example.com', 'redisUrl', 'rediss://user:s%2Fcret@cache.example.com'],
  ['REDIS_MODE', 'single', 'redisMode', 'single'],
  ['REDIS_SENTINEL_PASSWORD', 's3cret', 'redisSentinelPassword', 's3cret'],
  ['REDIS_KEY', 'team-a:chat', 'redisKey', 'team-a:chat'],
  ['REDIS_KEY', 'k'.repeat(128), 'redisKey', 'k'.repeat(128)],
  ['REDIS_ROUTING', 'rooms', 'redisRouting', 'rooms'],
  ['REDIS_ROUTING', 'pattern', 'redisRouting', 'pattern'],
  ['REDIS_SIGNING_KEY', 'sixteen letters!', 'redisSigningKey', 'sixteen letters!'],
  ['REDIS_CONNECT_TIMEOUT_MS', '100', 'redisConnectTimeoutMs', 100],
  ['REDIS_CONNECT_TIMEOUT_MS', '2147483647', 'redisConnectTimeoutMs', 2_147_483_647],
  ['HEARTBEAT_INTERVAL_MS', '10', 'heartbeatIntervalMs', 10],
  ['HEARTBEAT_INTERVAL_MS', '2147483647', 'heartbeatIntervalMs', 2_147_483_647],
  ['LEASE_MS', '500', 'leaseMs', 500],
  ['LEASE_MS', '3600000', 'leaseMs', 3_600_000],
  ['LEASE_REDIS_URL', 'redis://cache.example.com', 'leaseRedisUrl', 'redis://cache.example.com'],
  ['CLIENT_BUFFER_BYTES', '16384', 'clientBufferBytes', 16_384],
  ['CLIENT_BUFFER_BYTES', '1073741824', 'clientBufferBytes', 2 ** 30],
  ['CLIENT_BUFFER_AGE_MS', '100', 'clientBufferAgeMs', 100],
  ['CLIENT_BUFFER_AGE_MS', '3600000', 'clientBufferAgeMs', 3_600_000],
  ['SHUTDOWN_TIMEOUT_MS', '100', 'shutdownTimeoutMs', 100],
  ['SHUTDOWN_TIMEOUT_MS', '2147483647', 'shutdownTimeoutMs', 2_147_483_647],
  ['LOG_LEVEL', 'fatal', 'logLevel', 'fatal'],
  ['LOG_LEVEL', 'verbose', 'logLevel', 'verbose'],
  ['LOG_FORMAT', 'json', 'logFormat', 'json'],
  ['LOG_FORMAT', 'text', 'logFormat', 'text'],
  ['HOST_NAME', 'host-a', 'hostName', 'host-a'],
  ['ADVERTISE_URL', 'http://10.0.0.5:3000', 'advertiseUrl', 'http://10.0.0.5:3000'],
  ['ADVERTISE_URL', 'https://chat-1.example.com/', 'advertiseUrl', 'https://chat-1.example.com/'],
  ['ADVERTISE_URL', 'http://[fe80::1]:3000', 'advertiseUrl', 'http://[fe80::1]:3000'],
  ['WORKER_SLOT', '1', 'slot', 1],
  ['WORKER_SLOT', '1000000', 'slot', 1_000_000],
];

const refused: readonly (readonly [variable: string, expected: string, values: readonly string[]])[] = [
  ['PORT', 'a whole number from 0 to 65535', ['http', '-1', '65536', '80.5', '1e3', '0x50', ' 80', 'Infinity']],
  ['HOST', 'a host name or an IP address', ['my host', 'http://localhost', 'a/b', 'h'.repeat(256)]],
  ['LISTEN', '"auto", "reuse-port", "round-robin"', ['reusePort', 'primary']],
  ['WORKERS', 'a whole number from 1 to 1024', ['0', '1025', '-2', '1.5', 'two', '2 ']],
  ['REDIS_KEY', 'up to 128 characters without spaces or "#"', ['a b', 'a#b', 'k'.repeat(129)]],
  ['REDIS_ROUTING', '"rooms", "pattern"', ['room', 'PATTERN']],
  ['REDIS_MODE', '"single", "sharded"', ['cluster', 'Sharded']],
  ['REDIS_TLS_CA', pemForm, ['/nowhere.pem', 'package.json', 'test']],
  ['REDIS_TLS_SERVER_NAME', 'a host name', ['a b', 'redis://h']],
  [
    'REDIS_CONNECT_TIMEOUT_MS',
    'a whole number of milliseconds from 100 to 2147483647',
    ['99', '2147483648', '1s', '-100', '100.5'],
  ],
  [
    'HEARTBEAT_INTERVAL_MS',
    'a whole number of milliseconds from 10 to 2147483647',
    ['9', '0', '2147483648', '1000ms', '-10'],
  ],
  ['CLIENT_BUFFER_BYTES', 'a whole number from 16384 to 1073741824', ['16383', '1073741825', '1MB', '-1', '1e6']],
  ['CLIENT_BUFFER_AGE_MS', 'a whole number of milliseconds from 100 to 3600000', ['99', '3600001', '5s', '1000.5']],
  ['LEASE_MS', 'a whole number of milliseconds from 500 to 3600000', ['499', '3600001', '5s', '-5000', '1000.5']],
  [
    'SHUTDOWN_TIMEOUT_MS',
    'a whole number of milliseconds from 100 to 2147483647',
    ['99', '2147483648', '5s', '-100', '100.5'],
  ],
  ['LOG_LEVEL', '"fatal", "error", "warn", "log", "debug", "verbose"', ['info', 'LOG']],
  ['LOG_FORMAT', '"text", "json"', ['xml', 'JSON']],
  ['HOST_NAME', 'up to 255 characters without spaces', ['host a', 'h'.repeat(256)]],
  ['WORKER_SLOT', 'a whole number from 1 to 1000000', ['0', '1000001', 'one']],
];

/** What is no URL of a Redis, and what may be told of it. */
const refusedRedisUrls: readonly (readonly [value: string, told: string])[] = [
  ['ftp://x', '"ftp://x/"'],
  ['http://u:secret@h:80/', '"http://h/"'],
  ['ftp://u:secret@h', '"ftp://h/"'],
  ['redis://', '8 characters that are no such URL'],
  ['redis://u:secret@', '17 characters that are no such URL'],
  ['redis://:secret@:6379', '21 characters that are no such URL'],
  ['redis:secret@h', '14 characters that are no such URL'],
  ['u:secret@h:6379', '15 characters that are no such URL'],
  ['localhost:6379', '14 characters that are no such URL'],
  ['secret', '6 characters that are no such URL'],
];

/** A password with these signs belongs percent-encoded; as it stands, it ends up in other parts of the URL. */
const unencodedPasswords = [
  'redis://u:sec/ret@h:6379',
  'redis://u:12/secret@h:6379',
  'redis://u:12?secret@h:6379',
  'redis://u:12#secret@h:6379',
  'redis://secret/word@h',
  'redis-sentinel://u:sec/ret@h:1/fleet',
  'redis-sentinel://u:12@secret@h/fleet',
  'redis-sentinel://u:secret%word@h/fleet',
];

const originForm = 'http://host[:port] or https://host[:port], as the other hosts reach this one';

/** What does not say how to reach a host, and what is told of it. */
const refusedAdvertiseUrls: readonly (readonly [value: string, told: string])[] = [
  ['http://h:3000/chat', '"http://h:3000/chat"'],
  ['http://h:3000/?a=1', '"http://h:3000/"'],
  ['http://h:3000/#a', '"http://h:3000/"'],
  ['http://user@h:3000', '"http://h:3000/"'],
  ['http://user:secret@h:3000', '"http://h:3000/"'],
  ['ftp://h:3000', '"ftp://h:3000/"'],
  ['ws://h:3000', '"ws://h:3000/"'],
  ['http://', '7 characters that are no such URL'],
  ['http://h:99999', '14 characters that are no such URL'],
  ['h:3000', '6 characters that are no such URL'],
  ['10.0.0.5', '8 characters that are no such URL'],
  ['//h:3000', '8 characters that are no such URL'],
];

describe('readConfig', () => {
  it('has a default for everything', () => {
    expect(readConfig({})).toMatchObject({
      port: 3000,
      host: undefined,
      listen: chooseListenMode('auto', process.versions.node, process.platform),
      workers: os.availableParallelism(),
      redisUrl: undefined,
      redisMode: 'single',
      redisTls: undefined,
      redisSentinelPassword: undefined,
      redisKey: 'socket.io',
      redisRouting: 'rooms',
      redisConnectTimeoutMs: 10_000,
      heartbeatIntervalMs: 1_000,
      leaseMs: 5_000,
      leaseRedisUrl: undefined,
      shutdownTimeoutMs: 5_000,
      logLevel: 'log',
      logFormat: 'text',
      hostName: os.hostname(),
      advertiseUrl: undefined,
      slot: undefined,
    });
  });

  it('counts an empty value as unset', () => {
    const variables = [...accepted, ...refused].map(([variable]) => variable);

    expect(readConfig(Object.fromEntries(variables.map((variable) => [variable, ''])))).toEqual(readConfig({}));
  });

  it('reads the environment of the process by default', () => {
    expect(readConfig()).toEqual(readConfig(process.env));
  });

  it.each(accepted)('takes %s=%s', (variable, value, key, read) => {
    expect(readConfig({ [variable]: value })).toEqual({ ...readConfig({}), [key]: read });
  });

  describe.each(refused)('where %s must be %s', (variable, expected, values) => {
    it.each(values)('refuses %j, and says all three', (value) => {
      const error = refusal({ [variable]: value });

      expect(error).toMatchObject({ code: 'CONFIG_INVALID', variable, expected, got: JSON.stringify(value) });
      expect(error.message).toBe(`${variable} is wrong: expected ${expected}, got ${JSON.stringify(value)}.`);
    });
  });

  it.each(refusedRedisUrls)('refuses REDIS_URL=%s, and tells of it only %s', (value, told) => {
    expect(refusal({ REDIS_URL: value }).message).toBe(`REDIS_URL is wrong: expected ${redisForm}, got ${told}.`);
  });

  it.each(refusedAdvertiseUrls)('refuses ADVERTISE_URL=%s, and tells of it only %s', (value, told) => {
    expect(refusal({ ADVERTISE_URL: value }).message).toBe(
      `ADVERTISE_URL is wrong: expected ${originForm}, got ${told}.`,
    );
  });

  it.each([
    'redis://h/db',
    'redis://h:6379/0/1',
    'redis://h:99999',
    'redis://h:port',
    'redis://a,b',
    'redis-sentinel://h',
    'redis-sentinel://h/',
    'redis-sentinel://h/a/b',
    'redis-sentinel://h:0/a',
    'redis-sentinel:///a',
    'redis-sentinel://a,,b/a',
    'redis-sentinel://a:99999/a',
    'redis-sentinel://h/a?b=1',
  ])('refuses REDIS_URL=%s as well', (value) => {
    expect(refusal({ REDIS_URL: value })).toMatchObject({ variable: 'REDIS_URL', expected: redisForm });
  });

  it.each(unencodedPasswords)('refuses REDIS_URL=%s, and shows nothing of the password', (value) => {
    const { message } = refusal({ REDIS_URL: value });

    expect(message.replace(redisForm, '')).not.toMatch(/sec|ret|12|word/);
  });

  it.each(['short', 'x://secret', '{"a":1}'])(
    'refuses REDIS_SIGNING_KEY=%s, and tells of it only the length',
    (value) => {
      expect(refusal({ REDIS_SIGNING_KEY: value }).message).toBe(
        `REDIS_SIGNING_KEY is wrong: expected at least 16 characters, got ${value.length}.`,
      );
    },
  );
  describe('where REDIS_URL names sentinels', () => {
    it.each(['redis-sentinel://a:26379,b/fleet', 'rediss-sentinel://u:s%2F@[::1]/fleet/3'])('takes %s', (url) => {
      const env = { REDIS_URL: url, LEASE_REDIS_URL: 'redis://c' };

      expect(readConfig(env)).toMatchObject({ redisUrl: url, leaseRedisUrl: 'redis://c' });
    });

    it('keeps the lease there too, with what it needs to ask for it', () => {
      const env = { REDIS_URL: 'redis-sentinel://a/fleet', REDIS_SENTINEL_PASSWORD: 'secret' };

      expect(leaseRedisOf(readConfig(env))).toEqual({
        url: 'redis-sentinel://a/fleet',
        tls: undefined,
        sentinelPassword: 'secret',
      });
    });
  });

  describe('where REDIS_MODE is "sharded"', () => {
    const sharded = { REDIS_MODE: 'sharded', REDIS_URL: 'redis://a:7000,b:7001', LEASE_REDIS_URL: 'redis://c' };

    it.each(['redis://a', 'redis://a/', 'redis://a/0', 'redis://u:p%40@a:1,b:2,[::1]:3', 'rediss://a,b'])(
      'takes REDIS_URL=%s',
      (url) => {
        expect(readConfig({ ...sharded, REDIS_URL: url })).toMatchObject({ redisMode: 'sharded', redisUrl: url });
      },
    );

    it.each([
      ['redis://a/1', '"redis://a/1"'],
      ['redis-sentinel://a/fleet', '"redis-sentinel://a/fleet"'],
      ['redis://u:secret@a,,b', '"redis://a,,b"'],
      ['', 'nothing'],
    ])('refuses REDIS_URL=%s, and tells of it only %s', (url, told) => {
      expect(refusal({ ...sharded, REDIS_URL: url }).message).toBe(
        `REDIS_URL is wrong: expected ${clusterForm}, got ${told}.`,
      );
    });

    it('refuses patterns, which shards do not know', () => {
      expect(refusal({ ...sharded, REDIS_ROUTING: 'pattern' }).message).toBe(
        'REDIS_ROUTING is wrong: expected "rooms" where REDIS_MODE is "sharded", got "pattern".',
      );
    });

    it('needs a Redis for the lease, which does not follow a slot', () => {
      expect(refusal({ ...sharded, LEASE_REDIS_URL: '' })).toMatchObject({
        variable: 'LEASE_REDIS_URL',
        got: 'nothing',
      });
    });
  });

  describe('for TLS', () => {
    const encrypted = { REDIS_URL: 'rediss://h' };

    it('reads the files at once', () => {
      const files = { REDIS_TLS_CA: certificate, REDIS_TLS_CERT: certificate, REDIS_TLS_KEY: certificateKey };

      expect(readConfig({ ...encrypted, ...files, REDIS_TLS_SERVER_NAME: 'redis' }).redisTls).toEqual({
        ca: readFileSync(certificate, 'utf8'),
        cert: readFileSync(certificate, 'utf8'),
        key: readFileSync(certificateKey, 'utf8'),
        serverName: 'redis',
      });
    });

    it.each([
      ['REDIS_TLS_KEY', { REDIS_TLS_CERT: certificate }],
      ['REDIS_TLS_CERT', { REDIS_TLS_KEY: certificateKey }],
    ])('needs %s as well as the other of the two', (variable, files) => {
      expect(refusal({ ...encrypted, ...files })).toMatchObject({ variable, expected: pemForm, got: 'nothing' });
    });

    it('refuses a URL without TLS beside the files, and does not tell its password', () => {
      expect(refusal({ REDIS_URL: 'redis://u:secret@h', REDIS_TLS_CA: certificate }).message).toBe(
        'REDIS_URL is wrong: expected rediss:// or rediss-sentinel:// where REDIS_TLS_… is set, got "redis://h".',
      );
    });
  });

  it('names the first variable that is wrong', () => {
    expect(refusal({ WORKERS: '0', PORT: 'http' }).variable).toBe('PORT');
  });
});

function refusal(env: NodeJS.ProcessEnv): ConfigError {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error(`${JSON.stringify(env)} was taken.`);
}
