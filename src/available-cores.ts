import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';

/**
 * How many workers this process may keep busy: the cores that it may run on, and not more than the CPU limit of its
 * control group. Node itself knows of that limit from version 22 on only.
 */
export function availableCores(root = '/', cores = availableParallelism()): number {
  const limit = cpuLimit(root);
  return limit === undefined ? cores : Math.max(1, Math.min(cores, Math.ceil(limit)));
}

/** The tightest limit of the process's control group and those above it, in cores; undefined where there is none. */
function cpuLimit(root: string): number | undefined {
  const limits = (read(path.join(root, 'proc/self/cgroup')) ?? '')
    .split('\n')
    .flatMap((line) => limitsOfGroup(root, line))
    .filter((limit) => limit !== undefined);
  return limits.length > 0 ? Math.min(...limits) : undefined;
}

/** A line is `id:controllers:path`; the one of version 2 has no controllers. */
function limitsOfGroup(root: string, line: string): (number | undefined)[] {
  const [, controllers, group] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
  if (group === undefined || controllers === undefined) return [];
  if (controllers === '') {
    return ancestors(group).map((each) => limitOfV2(path.join(root, 'sys/fs/cgroup', each)));
  }
  if (!controllers.split(',').includes('cpu')) return [];
  return ancestors(group).map((each) => limitOfV1(path.join(root, 'sys/fs/cgroup/cpu', each)));
}

/** In a container the path may be that of the host, and only the root of the tree is mounted. */
function ancestors(group: string): string[] {
  const parts = group.split('/').filter(Boolean);
  return [...parts.keys(), parts.length].map((length) => parts.slice(0, length).join('/'));
}

function limitOfV2(folder: string): number | undefined {
  const [quota, period] = (read(path.join(folder, 'cpu.max')) ?? '').trim().split(' ').map(Number);
  return share(quota, period);
}

function limitOfV1(folder: string): number | undefined {
  const quota = read(path.join(folder, 'cpu.cfs_quota_us'));
  const period = read(path.join(folder, 'cpu.cfs_period_us'));
  return quota === undefined || period === undefined ? undefined : share(Number(quota), Number(period));
}

/** No limit is written as `max` in version 2, and as -1 in version 1. */
function share(quota: number | undefined, period: number | undefined): number | undefined {
  return quota && period && quota > 0 && period > 0 ? quota / period : undefined;
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
