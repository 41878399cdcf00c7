import { execFileSync } from 'node:child_process';
import { onTestFinished } from 'vitest';
import { ensureTool } from './debian-package.js';
import type { Wrapper } from './network-namespace.js';
import { ip } from './tools.js';

/** What one host of a fleet has of the network. */
export interface HostNetwork {
  /** The host's own address, at which the tests reach it. */
  readonly address: string;
  /** The address at which the host reaches the tests, and their Redis. */
  readonly gateway: string;
  readonly wrapper: Wrapper;
}

const oneAddress: HostNetwork = { address: '127.0.0.1', gateway: '127.0.0.1', wrapper: [] };

/** So many hosts, each in a network namespace of its own where that is allowed, else all on one address. */
export function hostNetworks(count: number): HostNetwork[] {
  const block = `10.${200 + Math.floor(Math.random() * 50)}.${Math.floor(Math.random() * 256)}`;
  try {
    const tool = ensureTool(ip);
    return Array.from({ length: count }, (_, index) => ownNetwork(tool, block, index));
  } catch (error) {
    process.stdout.write(`network namespaces are not allowed here (${(error as Error).message}): one address\n`);
    return Array.from({ length: count }, () => oneAddress);
  }
}

/** A namespace with a pair of interfaces, one end of which is here. */
function ownNetwork(tool: string, block: string, index: number): HostNetwork {
  const run = (...args: string[]): void => void execFileSync(tool, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const name = `nio${process.pid}h${index}`;
  const [outside, inside] = [`${name}o`, `${name}i`];
  const [gateway, address] = [`${block}.${index * 4 + 1}`, `${block}.${index * 4 + 2}`];
  run('netns', 'add', name);
  // Its interface goes with it, and the other end with that.
  onTestFinished(() => run('netns', 'del', name));
  run('link', 'add', outside, 'type', 'veth', 'peer', 'name', inside);
  run('link', 'set', inside, 'netns', name);
  run('addr', 'add', `${gateway}/30`, 'dev', outside);
  run('link', 'set', outside, 'up');
  run('-n', name, 'addr', 'add', `${address}/30`, 'dev', inside);
  run('-n', name, 'link', 'set', inside, 'up');
  run('-n', name, 'link', 'set', 'lo', 'up');
  return { address, gateway, wrapper: [tool, 'netns', 'exec', name] };
}
