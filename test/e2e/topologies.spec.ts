import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { carrierEnvironment } from '../support/carriers.js';
import { collect, next } from '../support/clients.js';
import { eventually } from '../support/eventually.js';
import { statusOfAll } from '../support/health-of-all.js';
import { administrator, ownRedis } from '../support/redis-carriers.js';
import { startSentinelTrio } from '../support/redis-sentinel.js';
import { startProgram } from '../support/start-program.js';

describe('the program with REDIS_MODE=sharded', () => {
  it('says so, and serves rooms and the heartbeat across workers', async () => {
    const cluster = await startProgram({ workers: 2, env: carrierEnvironment('sharded') });
    const members = await cluster.connectToEach();
    await Promise.all(members.map((member) => member.emitWithAck('join', 'lobby')));
    const heard = Promise.all(members.map((member) => next(member, 'said')));
    const beats = Promise.all(members.map((member) => next(member, 'heartbeat')));

    await members[0]!.emitWithAck('say', { room: 'lobby', text: 'hello' });

    const said = { room: 'lobby', text: 'hello', from: members[0]!.id };
    expect(await heard).toEqual([[said], [said]]);
    expect((await beats).every(([{ sequence }]) => sequence > 0)).toBe(true);
    expect(cluster.readyLine).toMatch(/2 workers, sharded carrier$/);
  });

  it('hears a process that only publishes', async () => {
    const env = { ...carrierEnvironment('sharded'), REDIS_KEY: `key-${process.pid}` };
    const cluster = await startProgram({ workers: 2, env });
    const members = await cluster.connectToEach();
    await Promise.all(members.map((member) => member.emitWithAck('join', 'lobby')));
    const heard = Promise.all(members.map((member) => collect(member, 'said', ({ length }) => length === 3)));

    const publisher = fork('dist/test/fixtures/publish-sharded.js', [inject('redisClusterUrl'), env.REDIS_KEY]);
    onTestFinished(() => void publisher.kill('SIGKILL'));
    const [code] = (await once(publisher, 'exit')) as [number];

    expect(code).toBe(0);
    const all = ['1', '2', '3'].map((text) => ({ room: 'lobby', text, from: 'a job' }));
    expect(await heard).toEqual([all, all]);
  });
});

describe('the program with Sentinel', () => {
  it('is whole again once the primary of Redis was replaced, with its messages and its lease', async () => {
    const trio = await startSentinelTrio(inject('redisServer'));
    onTestFinished(() => trio.stop());
    const key = `key-${process.pid}`;
    const env = { REDIS_URL: trio.url, REDIS_KEY: key };
    const cluster = await startProgram({ workers: 2, env });
    const members = await cluster.connectToEach();
    await Promise.all(members.map((member) => member.emitWithAck('join', 'lobby')));

    const before = await trio.primaryPort();
    await trio.server(before).stop();
    const after = await eventually(
      () => trio.primaryPort(),
      (port) => port !== before,
    );
    expect(await statusOfAll(cluster, 'ok')).toBe(200);
    const heir = administrator(`redis://127.0.0.1:${after}`);
    const { term } = await eventually(
      async () => ({
        term: Number(await heir.hget(`${key}:lease`, 'counter')),
        since: await heir.hget(`${key}:lease`, 'until'),
      }),
      ({ since }) => Number(since) > Date.now(),
    );

    expect(term).toBeGreaterThan(0);
    const heard = next(members[1]!, 'said');
    await members[0]!.emitWithAck('say', { room: 'lobby', text: 'hello' });
    expect(await heard).toEqual([{ room: 'lobby', text: 'hello', from: members[0]!.id }]);
  });
});

describe('the program with a user of few rights', () => {
  it('serves with the rule of the README', async () => {
    const redis = await ownRedis();
    const rule = /^    (on >secret ~socket\.io:\* .*)$/m.exec(readFileSync('README.md', 'utf8'))![1]!;
    await administrator(redis.url).call('ACL', 'SETUSER', 'chat', ...rule.split(' '));
    await administrator(redis.url).call('ACL', 'SETUSER', 'default', 'off');
    const env = { REDIS_URL: redis.url.replace('//', '//chat:secret@'), REDIS_KEY: 'socket.io' };

    const cluster = await startProgram({ workers: 2, env });
    const members = await cluster.connectToEach();
    await Promise.all(members.map((member) => member.emitWithAck('join', 'lobby')));
    const heard = Promise.all(members.map((member) => next(member, 'said')));
    await members[0]!.emitWithAck('say', { room: 'lobby', text: 'hello' });
    await Promise.all([heard, ...members.map((member) => next(member, 'heartbeat'))]);

    expect(cluster.output()).not.toMatch(/NOPERM|WARN/);
  });
});
