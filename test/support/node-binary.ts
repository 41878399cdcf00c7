import { execFileSync } from 'node:child_process';

const found = new Map<number, string>();

/** The path of a Node of that major version: this one, or the one of the npm package `node`. */
export function nodeBinary(major: number): string {
  if (process.versions.node.startsWith(`${major}.`)) return process.execPath;
  const known = found.get(major);
  if (known !== undefined) return known;
  const args = ['-y', '-p', `node@${major}`, '-c', 'node -p process.execPath'];
  const binary = execFileSync('npx', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  found.set(major, binary);
  return binary;
}
