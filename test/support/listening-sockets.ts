import { readdir, readFile, readlink } from 'node:fs/promises';

/** How many sockets each of these processes holds that listen on the port, by process id. */
export async function listeningSockets(port: number, pids: readonly number[]): Promise<Map<number, number>> {
  const inodes = await listeningInodes(port);
  const count = async (pid: number): Promise<number> =>
    (await socketInodes(pid)).filter((inode) => inodes.has(inode)).length;
  return new Map(await Promise.all(pids.map(async (pid) => [pid, await count(pid)] as const)));
}

/** How many sockets listen on the port, whoever holds them. */
export async function countListening(port: number): Promise<number> {
  return (await listeningInodes(port)).size;
}

async function listeningInodes(port: number): Promise<Set<string>> {
  const tables = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map((file) => readFile(file, 'utf8')));
  const address = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const rows = tables.flatMap((table) => table.split('\n')).map((row) => row.trim().split(/\s+/));
  return new Set(rows.filter(([, local, , state]) => local?.endsWith(address) && state === '0A').map((row) => row[9]!));
}

async function socketInodes(pid: number): Promise<string[]> {
  const descriptors = await readdir(`/proc/${pid}/fd`);
  const links = await Promise.all(descriptors.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')));
  return links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []);
}
