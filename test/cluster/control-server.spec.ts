import { EventEmitter, once } from 'node:events';
import { existsSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type ControlHandler, ControlServer } from '../../src/cluster/control-server.js';
import { longestRequestBytes } from '../../src/cluster/control.protocol.js';
import { RefusedCommandError } from '../../src/cluster/errors.js';
import { connectToControl } from '../support/control-client.js';
import { watchForUnhandled } from '../support/rejections.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const status = '{"command":"status"}\n';

/** Answers with what it was asked. */
const echo: ControlHandler = (request) => Promise.resolve(request);

const fail = (reason: Error): ControlHandler => {
  return async () => {
    throw reason;
  };
};

describe('the control server', () => {
  it('answers a request', async () => {
    const client = await connectToControl((await open(echo)).path);

    client.say('{"command":"scale","workers":3}\n');

    expect(await client.answer()).toEqual({ ok: true, result: { command: 'scale', workers: 3 } });
  });

  it('answers several requests on one connection, in their order', async () => {
    const client = await connectToControl((await open(echo)).path);

    client.say(`${status}{"command":"restart","slot":2}\n{"command":"re`);
    expect(await client.answer()).toMatchObject({ result: { command: 'status' } });
    expect(await client.answer()).toMatchObject({ result: { command: 'restart', slot: 2 } });
    client.say('load"}\n');

    expect(await client.answer()).toMatchObject({ result: { command: 'reload' } });
  });

  it('answers many short requests that come in one piece', async () => {
    const client = await connectToControl((await open(echo)).path);

    client.say(status.repeat(1_000));

    for (let index = 0; index < 1_000; index++) expect(await client.answer()).toMatchObject({ ok: true });
  });

  it('answers who has said all that it wants, as `nc -N` does', async () => {
    const client = await connectToControl((await open(echo)).path);

    client.connection.end(status);

    expect(await client.answer()).toMatchObject({ ok: true });
  });

  it('answers one connection while another waits', async () => {
    const { handle, release } = heldHandler();
    const { path } = await open((request) => (request.command === 'reload' ? handle(request) : echo(request)));
    const [patient, quick] = [await connectToControl(path), await connectToControl(path)];

    patient.say('{"command":"reload"}\n');
    quick.say(status);
    expect(await quick.answer()).toMatchObject({ ok: true });
    release();

    expect(await patient.answer()).toEqual({ ok: true, result: 'done' });
  });

  it.each<[what: string, line: string, message: string]>([
    ['what is no JSON', 'status', 'the request is no JSON'],
    ['an empty line', '', 'the request is no JSON'],
    [
      'an unknown command',
      '{"command":"dance"}',
      'expected a command: status, scale, reload, restart, drain, stop, leader, jobs, run-job, release-lease or log-level',
    ],
    ['a slot that cannot be', '{"command":"drain","slot":"one"}', 'a slot: a whole number from 1'],
  ])('answers %s with a sentence, and goes on', async (_what, line, message) => {
    const client = await connectToControl((await open(echo)).path);

    client.say(`${line}\n${status}`);

    expect(await client.answer()).toEqual({ ok: false, error: { code: 'REQUEST_INVALID', message } });
    expect(await client.answer()).toMatchObject({ ok: true });
  });

  it('answers a line that is too long with a sentence, and ends the connection', async () => {
    const client = await connectToControl((await open(echo)).path);
    const closed = once(client.connection, 'close');

    client.say('x'.repeat(longestRequestBytes + 1));

    const message = 'the request is too long';
    expect(await client.answer()).toEqual({ ok: false, error: { code: 'REQUEST_INVALID', message } });
    client.connection.end();
    await closed;
  });

  it('takes the longest line that it allows', async () => {
    const client = await connectToControl((await open(echo)).path);

    client.say(`${status.trim().padEnd(longestRequestBytes - 1)}\n`);

    expect(await client.answer()).toMatchObject({ ok: true });
  });

  it('answers with the code and the sentence of what is refused', async () => {
    const client = await connectToControl((await open(fail(new RefusedCommandError('Not now: wait a while.')))).path);

    client.say(status);

    const error = { code: 'COMMAND_REFUSED', message: 'Not now: wait a while.' };
    expect(await client.answer()).toEqual({ ok: false, error });
  });

  it('says nothing of an error that nobody has foreseen, but that the log knows', async () => {
    const client = await connectToControl((await open(fail(new TypeError('a secret')))).path);

    client.say(status);

    const error = { code: 'INTERNAL_ERROR', message: 'The primary could not do that: see its log.' };
    expect(await client.answer()).toEqual({ ok: false, error });
  });
});

describe('a client of the control server that goes away', () => {
  it.each<[what: string, leave: 'destroy' | 'resetAndDestroy' | 'end']>([
    ['before its answer', 'destroy'],
    ['with all that it said', 'end'],
  ])('%s disturbs nobody', async (_what, leave) => {
    const unheard = watchForUnhandled();
    const { handle, release, asked } = heldHandler();
    const server = await open(handle);
    const gone = await connectToControl(server.path);
    gone.say(status);
    await asked;

    gone.connection[leave]();
    if (leave === 'destroy') await once(gone.connection, 'close');
    release();

    expect(await serves(server)).toBe(true);
    await unheard();
  });

  it('with answers that it has not read disturbs nobody', async () => {
    const unheard = watchForUnhandled();
    const large = 'x'.repeat(1_000_000);
    const server = await open(() => Promise.resolve(large));
    const gone = await connectToControl(server.path);
    gone.connection.pause();
    gone.say(status.repeat(20));
    await once(gone.connection, 'readable');

    gone.connection.destroy();
    await once(gone.connection, 'close');

    expect(await serves(server)).toBe(true);
    await unheard();
  });
});

describe('closing the control server', () => {
  it('ends open connections, and removes the socket', async () => {
    const unheard = watchForUnhandled();
    const server = await open(echo);
    const client = await connectToControl(server.path);
    client.say(status);
    await client.answer();
    const ended = once(client.connection, 'end');

    await server.close();

    await ended;
    expect(existsSync(server.path)).toBe(false);
    await unheard();
  });

  it('does not wait for an answer that is still owed', async () => {
    const unheard = watchForUnhandled();
    const { handle, release, asked } = heldHandler();
    const server = await open(handle);
    const client = await connectToControl(server.path);
    client.say(status);
    await asked;

    await server.close();

    await expect(client.answer()).rejects.toThrow('The connection has ended without an answer.');
    release();
    await unheard();
  });

  it('resolves where nobody has ever connected', async () => {
    const server = await open(echo);

    await server.close();

    expect(existsSync(server.path)).toBe(false);
  });
});

async function open(handle: ControlHandler): Promise<ControlServer> {
  const server = await ControlServer.open(`${temporaryFolder()}/control.sock`, handle);
  onTestFinished(() => server.close().catch(() => {}));
  return server;
}

/** Answers only once the test lets it; `asked` resolves with the first request. */
function heldHandler() {
  const events = new EventEmitter();
  const released = once(events, 'released');
  const handle: ControlHandler = async () => {
    events.emit('asked');
    await released;
    return 'done';
  };
  return { handle, asked: once(events, 'asked'), release: () => void events.emit('released') };
}

async function serves({ path }: ControlServer): Promise<boolean> {
  const client = await connectToControl(path);
  client.say(status);
  return (await client.answer()).ok;
}
