import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import path from 'node:path';

export interface Tool {
  readonly binary: string;
  /** The Debian package that has it. */
  readonly debianPackage: string;
  /** The variable that may name the binary. */
  readonly variable: string;
}

/**
 * Returns the path of a program that the tests need, installing its Debian package where that is possible.
 *
 * @throws Error with one sentence on how to install it by hand.
 */
export function ensureTool(tool: Tool): string {
  const found = find(tool);
  if (found) return found;
  if (process.getuid?.() === 0 && onPath('apt-get')) install(tool.debianPackage);
  const installed = find(tool);
  if (installed) return installed;
  throw new Error(
    `The tests need ${tool.binary}: install it (Debian: apt-get install ${tool.debianPackage}), ` +
      `or let ${tool.variable} name the binary.`,
  );
}

function find({ binary, variable }: Tool): string | undefined {
  return process.env[variable] || onPath(binary);
}

function onPath(binary: string): string | undefined {
  // Servers are in /usr/sbin, where Debian's ordinary users do not look.
  const folders = [...(process.env['PATH'] ?? '').split(path.delimiter), '/usr/sbin'];
  return folders.map((folder) => path.join(folder, binary)).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function install(debianPackage: string): void {
  process.stdout.write(`installing the Debian package ${debianPackage} …\n`);
  const options = { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } } as const;
  try {
    execFileSync('apt-get', ['update'], options);
    // Debian starts a service after installing it; the tests start their own.
    execFileSync('apt-get', ['install', '-y', '--no-install-recommends', debianPackage], options);
  } catch {
    // What is missing then is said by the caller.
  }
}
