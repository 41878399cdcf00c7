import { fork } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { listenPrivately } from '../../src/private-socket.js';
import { openSocketFolder, socketPath } from '../../src/sessions/socket-folder.js';
import { temporaryFolder } from '../support/temporary-folder.js';

describe('the folder of private sockets', () => {
  it('can be opened by its user alone', async () => {
    const folder = await openSocketFolder(temporaryFolder());

    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });

  it('may be there already', async () => {
    const parent = temporaryFolder();

    expect(await openSocketFolder(parent)).toBe(await openSocketFolder(parent));
  });

  it('loses what a killed process has left, and keeps what another cluster listens on', async () => {
    const parent = temporaryFolder();
    const folder = await openSocketFolder(parent);
    const [left, alive] = [socketPath(folder, '00000000aa', 1), socketPath(folder, '00000000bb', 1)];
    await leaveSocket(left);
    const server = createServer();
    onTestFinished(() => void server.close());
    await listenPrivately(server, alive);

    await openSocketFolder(parent);

    expect(readdirSync(folder)).toEqual([path.basename(alive)]);
  });

  it('keeps what is no socket of ours', async () => {
    const parent = temporaryFolder();
    const folder = await openSocketFolder(parent);
    writeFileSync(path.join(folder, 'notes.txt'), '');

    await openSocketFolder(parent);

    expect(existsSync(path.join(folder, 'notes.txt'))).toBe(true);
  });

  it.each([
    ['others can open it', (place: string) => (mkdirSync(place), chmodSync(place, 0o755))],
    ['it is no folder', (place: string) => writeFileSync(place, '')],
    ['it is no folder', (place: string) => symlinkSync('/tmp', place)],
  ])('is refused in one sentence where %s', async (why, spoil) => {
    const parent = temporaryFolder();
    spoil(path.join(parent, `nest-io-cluster-${process.getuid!()}`));

    await expect(openSocketFolder(parent)).rejects.toMatchObject({
      code: 'SOCKET_FOLDER_UNUSABLE',
      message: expect.stringContaining(`cannot be used (${why}): remove it, or set XDG_RUNTIME_DIR`) as string,
    });
  });

  it('is refused where its path leaves no room for a socket', async () => {
    const parent = path.join(temporaryFolder(), 'a'.repeat(80));

    await expect(openSocketFolder(parent)).rejects.toThrow(/its path is too long/);
  });

  it('is refused where it cannot be made', async () => {
    const parent = path.join(temporaryFolder(), 'missing');

    await expect(openSocketFolder(parent)).rejects.toThrow(/cannot be used \(ENOENT/);
  });
});

describe('a private socket', () => {
  it('can be opened by its user alone', async () => {
    const file = path.join(temporaryFolder(), 'private.sock');
    const server = createServer();
    onTestFinished(() => void server.close());

    await listenPrivately(server, file);

    expect(statSync(file).mode & 0o777).toBe(0o600);
  });
});

/** The socket of a process that was killed while it listened. */
async function leaveSocket(file: string): Promise<void> {
  const listener = fork('test/fixtures/listener.mjs', [file]);
  await once(listener, 'message');
  listener.kill('SIGKILL');
  await once(listener, 'exit');
}
