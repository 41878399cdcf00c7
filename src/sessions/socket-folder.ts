import { lstatSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ClusterIoError } from '../errors.js';
import { answers } from '../private-socket.js';

/** What the system takes as the path of a unix socket, less our file names. */
const longestFolder = 107 - '/0123456789-4294967295.sock'.length;

/** The folder of the workers' private sockets cannot be used, or is not private. */
export class SocketFolderError extends ClusterIoError {
  readonly code = 'SOCKET_FOLDER_UNUSABLE';

  constructor(
    readonly folder: string,
    why: string,
  ) {
    super(
      `The folder ${folder} of the workers' private sockets cannot be used (${why}): ` +
        'remove it, or set XDG_RUNTIME_DIR to a folder that only this user can write to.',
    );
  }
}

/**
 * Where the workers of this user's clusters listen for each other, 0700. What a killed cluster left there is removed.
 *
 * @throws SocketFolderError where somebody else could put sockets there.
 */
export async function openSocketFolder(runtimeFolder: string | undefined): Promise<string> {
  const user = process.getuid?.() ?? 0;
  const folder = path.join(runtimeFolder ?? tmpdir(), `nest-io-cluster-${user}`);
  if (Buffer.byteLength(folder) > longestFolder) throw new SocketFolderError(folder, 'its path is too long');
  makePrivate(folder, user);
  for (const name of readdirSync(folder)) {
    const file = path.join(folder, name);
    if (name.endsWith('.sock') && !(await answers(file))) rmSync(file, { force: true });
  }
  return folder;
}

/** The private socket of a worker; removed by whoever sees the worker end. */
export function socketPath(folder: string, host: string, fork: number): string {
  return path.join(folder, `${host}-${fork}.sock`);
}

function makePrivate(folder: string, user: number): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST')
      throw new SocketFolderError(folder, (error as Error).message);
  }
  const found = lstatSync(folder);
  if (!found.isDirectory()) throw new SocketFolderError(folder, 'it is no folder');
  if (found.uid !== user) throw new SocketFolderError(folder, 'it belongs to another user');
  if ((found.mode & 0o077) !== 0) throw new SocketFolderError(folder, 'others can open it');
}
