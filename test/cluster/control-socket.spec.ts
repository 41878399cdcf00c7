import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstatSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ControlServer, ControlSocketTakenError } from '../../src/cluster/control-server.js';
import { connectToControl } from '../support/control-client.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const listen = `require('node:net').createServer().listen(process.argv[1], () => process.stdout.write('listening'))`;

describe('the control socket', () => {
  it('can be opened by its owner only', async () => {
    const path = await open(`${temporaryFolder()}/control.sock`);

    const { mode } = statSync(path);
    expect((mode & 0o777).toString(8)).toBe('600');
  });

  it('does not change how the process makes other files', async () => {
    const before = process.umask();

    await open(`${temporaryFolder()}/control.sock`);

    expect(process.umask()).toBe(before);
  });

  it('replaces what a killed process has left', async () => {
    const path = `${temporaryFolder()}/control.sock`;
    await leaveSocket(path);
    expect(lstatSync(path).isSocket()).toBe(true);

    const client = await connectToControl(await open(path));
    client.say('{"command":"status"}\n');

    expect(await client.answer()).toEqual({ ok: true, result: 'served' });
  });

  it('is refused where another cluster listens, which goes on serving', async () => {
    const path = await open(`${temporaryFolder()}/control.sock`);

    expect((await refusal(path)).message).toBe(
      `The control socket ${path} cannot be used (another cluster listens there): set CONTROL_SOCKET to another path.`,
    );
    const client = await connectToControl(path);
    client.say('{"command":"status"}\n');
    expect(await client.answer()).toMatchObject({ ok: true });
  });

  it('deletes no file, but is refused', async () => {
    const path = `${temporaryFolder({ 'notes.txt': 'important' })}/notes.txt`;

    expect((await refusal(path)).message).toContain('something that is no socket stands there');
    expect(readFileSync(path, 'utf8')).toBe('important');
  });

  it('follows no link', async () => {
    const folder = temporaryFolder({ 'notes.txt': 'important' });
    symlinkSync(`${folder}/notes.txt`, `${folder}/control.sock`);

    expect(await refusal(`${folder}/control.sock`)).toMatchObject({ code: 'CONTROL_SOCKET_TAKEN' });
    expect(readFileSync(`${folder}/notes.txt`, 'utf8')).toBe('important');
  });

  it('is refused with a sentence where it cannot be made', async () => {
    const path = `${temporaryFolder()}/missing/control.sock`;

    expect(await refusal(path)).toMatchObject({ code: 'CONTROL_SOCKET_TAKEN', path });
    expect((await refusal(path)).message).toMatch(
      /^The control socket .* cannot be used \(.+\): set CONTROL_SOCKET to/,
    );
  });
});

async function open(path: string): Promise<string> {
  const server = await ControlServer.open(path, () => Promise.resolve('served'));
  onTestFinished(() => server.close());
  return path;
}

async function refusal(path: string): Promise<ControlSocketTakenError> {
  const outcome = await ControlServer.open(path, () => Promise.resolve('served')).catch((error: unknown) => error);
  if (outcome instanceof ControlSocketTakenError) return outcome;
  if (outcome instanceof ControlServer) await outcome.close();
  throw new Error(`Expected ${path} to be refused.`, { cause: outcome });
}

/** A process listens there and is killed, so that it cannot tidy up. */
async function leaveSocket(path: string): Promise<void> {
  const other = spawn(process.execPath, ['-e', listen, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(other, 'exit');
  await once(other.stdout, 'data');
  other.kill('SIGKILL');
  await exited;
}
