import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

interface LockedPackage {
  readonly version?: string;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly dev?: boolean;
}

const lockfile = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
  readonly packages: Readonly<Record<string, LockedPackage>>;
};

/** Below these versions a client can make a worker stop or grow. */
const securityFloor = [
  ['engine.io', '6.6.10'],
  ['socket.io-parser', '4.2.7'],
  ['ws', '8.21.1'],
] as const;

/** Of each of these a second copy would be another class with the same name. */
const singletons = ['socket.io', ...installed(/^@nestjs\//).map(({ name }) => name)];

describe('the lockfile', () => {
  it.each(securityFloor)('holds every copy of %s that is installed with the program at %s or above', (name, floor) => {
    const versions = copiesOf(name)
      .filter(({ dev }) => !dev)
      .map(({ version }) => version);

    expect(versions).not.toEqual([]);
    expect(versions.filter((version) => compare(version, floor) < 0)).toEqual([]);
  });

  it.each([...new Set(singletons)])('holds one copy of %s', (name) => {
    expect(copiesOf(name)).toHaveLength(1);
  });

  it('takes every package from the registry, and from one alone', () => {
    const sources = Object.values(lockfile.packages).flatMap(({ resolved, link }) =>
      link ? ['link'] : (resolved ?? []),
    );
    const hosts = sources.map((source) => (URL.canParse(source) ? new URL(source) : undefined));

    expect(hosts.filter((host) => host?.protocol !== 'https:')).toEqual([]);
    expect(new Set(hosts.map((host) => host?.host)).size).toBeLessThanOrEqual(1);
  });
});

describe('the comparison of versions', () => {
  it.each([
    ['6.6.9', '6.6.10', -1],
    ['6.6.10', '6.6.10', 0],
    ['6.10.0', '6.6.10', 1],
    ['7.0.0', '6.6.10', 1],
    ['8.21.1-rc.1', '8.21.1', -1],
  ])('of %s with %s is %d', (version, floor, expected) => {
    expect(compare(version, floor)).toBe(expected);
  });
});

interface Installed {
  readonly name: string;
  readonly version: string;
  /** Whether only the tests and the building need it. */
  readonly dev: boolean;
}

function installed(name: RegExp): Installed[] {
  return Object.entries(lockfile.packages)
    .map(([path, { version = '', dev = false }]) => {
      return { name: path.slice(path.lastIndexOf('node_modules/') + 13), version, dev };
    })
    .filter((candidate) => name.test(candidate.name));
}

function copiesOf(name: string): Installed[] {
  return installed(/./).filter((candidate) => candidate.name === name);
}

/** A version before a release counts as below it. */
function compare(version: string, floor: string): -1 | 0 | 1 {
  const [release = '', ...preRelease] = version.split('-');
  const [ours, theirs] = [release, floor].map((text) => text.split('.').map(Number));
  for (const [index, part] of theirs!.entries()) {
    const difference = Math.sign((ours![index] ?? 0) - part);
    if (difference !== 0) return difference as -1 | 1;
  }
  return preRelease.length > 0 ? -1 : 0;
}
