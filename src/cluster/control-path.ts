import { tmpdir } from 'node:os';
import path from 'node:path';

/** Where a cluster is reached that names no socket: one per user and port. */
export function defaultControlSocket(port: number, runtimeFolder: string | undefined): string {
  const user = process.getuid?.() ?? 0;
  return path.join(runtimeFolder ?? tmpdir(), `nest-io-cluster-${user}-${port}.sock`);
}
