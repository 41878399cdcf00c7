import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { freePort } from '../support/free-port.js';
import { markFamily } from '../support/processes.js';
import { type RedisServer, startRedis } from '../support/redis-server.js';
import { runToEnd } from '../support/start-program.js';

const redisForm =
  'redis://[user:password@]host[:port][/db] or redis-sentinel://[user:password@]host[:port][,host…]/master[/db], ' +
  'or the same with rediss';

describe.each(['dist/main.cluster.js', 'dist/src/main.js'])('%s', (entry) => {
  it.each([
    [{ PORT: 'http' }, 'PORT is wrong: expected a whole number from 0 to 65535, got "http".'],
    [{ WORKERS: '0' }, 'WORKERS is wrong: expected a whole number from 1 to 1024, got "0".'],
    [{ REDIS_URL: 'ftp://u:secret@x' }, `REDIS_URL is wrong: expected ${redisForm}, got "ftp://x/".`],
    [
      { ADVERTISE_URL: 'http://u:secret@x/chat' },
      'ADVERTISE_URL is wrong: expected http://host[:port] or https://host[:port], as the other hosts reach this one, ' +
        'got "http://x/chat".',
    ],
  ])('ends with one sentence where the environment is %o', async (env, sentence) => {
    expect(await run(env)).toEqual({ code: 1, stdout: '', stderr: `${sentence}\n` });
  });

  it('ends with one sentence where the port is taken', async () => {
    const port = await takePort();

    expect(await run({ PORT: `${port}` })).toEqual({
      code: 1,
      stdout: '',
      stderr: `Port ${port} is taken by another program: stop it, or set PORT to a free one (0 picks one).\n`,
    });
  });

  it('ends with one sentence where the host is not of this machine', async () => {
    const { code, stderr } = await run({ HOST: '203.0.113.1' });

    expect(code).toBe(1);
    expect(stderr).toMatch(/^Cannot listen on 203\.0\.113\.1, port 0 \(.*\): set HOST and PORT to an address .*\.\n$/);
  });

  it('says that Redis is away, and ends with one sentence once it has waited for it', async () => {
    const address = `127.0.0.1:${await freePort()}`;

    const ended = await run({ REDIS_URL: `redis://user:secret@${address}` });

    expectRedisSentence(ended, address, `connect ECONNREFUSED ${address}`);
    expect(ended.stdout).toContain(
      `Redis at ${address} cannot be used (connect ECONNREFUSED ${address}): trying again`,
    );
  });

  it('ends with one sentence where Redis refuses the password', async () => {
    const redis = await startOwnRedis(['--requirepass', 'right']);

    const ended = await run({ REDIS_URL: `redis://:secret@127.0.0.1:${redis.port}` });

    expectRedisSentence(ended, `127.0.0.1:${redis.port}`, 'WRONGPASS [^)]*');
    expect(ended.stdout).toMatch(/cannot be used \(WRONGPASS/);
  });

  it('ends with one sentence where Redis takes connections and says nothing', async () => {
    const redis = await startOwnRedis();
    redis.process.kill('SIGSTOP');

    const ended = await run({ REDIS_URL: `redis://:secret@127.0.0.1:${redis.port}` });

    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(
      new RegExp(`^Redis at 127.0.0.1:${redis.port} could not be used within 500 ms.*\\.\\n$`),
    );
  });

  /** Runs it to its end, which leaves nothing behind and never shows the password. */
  async function run(env: NodeJS.ProcessEnv) {
    const family = markFamily();
    const ended = await runToEnd({ entry, env: { REDIS_CONNECT_TIMEOUT_MS: '500', ...family.env, ...env } });
    expect(await family.alive()).toEqual([]);
    expect(ended.stdout + ended.stderr).not.toContain('secret');
    return ended;
  }
});

function expectRedisSentence(
  { code, stderr }: { code: number | null; stderr: string },
  address: string,
  reason: string,
) {
  const sentence =
    `^Redis at ${address} could not be used within 500 ms \\(${reason}\\): ` +
    'start it, correct REDIS_URL, or unset REDIS_URL to run on one host without Redis\\.\n$';
  expect(stderr).toMatch(new RegExp(sentence));
  expect(code).toBe(1);
}

async function takePort(): Promise<number> {
  const server = createServer().listen(0);
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function startOwnRedis(options: string[] = []): Promise<RedisServer> {
  const redis = await startRedis(inject('redisServer'), undefined, options);
  onTestFinished(() => redis.stop());
  return redis;
}
