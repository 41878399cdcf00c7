import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { availableCores } from '../src/available-cores.js';
import { temporaryFolder } from './support/temporary-folder.js';

/** Enough that no limit below is met by them. */
const manyCores = 64;

interface Host {
  readonly title: string;
  readonly files: Readonly<Record<string, string>>;
  readonly cores?: number;
  readonly available: number;
}

const v1 = (path: string) => `9:memory:${path}\n4:cpu,cpuacct:${path}\n1:name=systemd:${path}\n`;
const quota = (folder: string, quotaUs: string, periodUs = '100000') => ({
  [`sys/fs/cgroup/cpu/${folder}cpu.cfs_quota_us`]: `${quotaUs}\n`,
  [`sys/fs/cgroup/cpu/${folder}cpu.cfs_period_us`]: `${periodUs}\n`,
});

const unlimited: readonly Host[] = [
  { title: 'without control groups', files: {}, available: manyCores },
  { title: 'in the root group of version 2', files: { 'proc/self/cgroup': '0::/\n' }, available: manyCores },
  {
    title: 'in a group of version 2 without a limit',
    files: { 'proc/self/cgroup': '0::/app\n', 'sys/fs/cgroup/app/cpu.max': 'max 100000\n' },
    available: manyCores,
  },
  {
    title: 'in a group of version 1 without a limit',
    files: { 'proc/self/cgroup': v1('/app'), ...quota('app/', '-1') },
    available: manyCores,
  },
  {
    title: 'in a group of version 2 whose limit cannot be read',
    files: { 'proc/self/cgroup': '0::/app\n', 'sys/fs/cgroup/app/cpu.max': '\n' },
    available: manyCores,
  },
  {
    title: 'with a list of groups that makes no sense',
    files: { 'proc/self/cgroup': 'what\n\n::\n', 'sys/fs/cgroup/cpu.max': '100000 100000\n' },
    available: manyCores,
  },
];

const limited: readonly Host[] = [
  {
    title: 'in a service of version 2',
    files: {
      'proc/self/cgroup': '0::/system.slice/app\n',
      'sys/fs/cgroup/system.slice/app/cpu.max': '300000 100000\n',
    },
    available: 3,
  },
  {
    title: 'in a container of version 2, which sees itself as the root',
    files: { 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/cpu.max': '200000 100000\n' },
    available: 2,
  },
  {
    title: 'in a container of version 2 that is shown the path of its host',
    files: { 'proc/self/cgroup': '0::/kubepods/pod7/c1\n', 'sys/fs/cgroup/cpu.max': '200000 100000\n' },
    available: 2,
  },
  {
    title: 'below a slice of version 2 with the tighter limit',
    files: {
      'proc/self/cgroup': '0::/app.slice/app\n',
      'sys/fs/cgroup/app.slice/cpu.max': '200000 100000\n',
      'sys/fs/cgroup/app.slice/app/cpu.max': '800000 100000\n',
    },
    available: 2,
  },
  {
    title: 'below a slice of version 2 with the looser limit',
    files: {
      'proc/self/cgroup': '0::/app.slice/app\n',
      'sys/fs/cgroup/app.slice/cpu.max': '800000 100000\n',
      'sys/fs/cgroup/app.slice/app/cpu.max': '200000 100000\n',
    },
    available: 2,
  },
  {
    title: 'in a group of version 1',
    files: { 'proc/self/cgroup': v1('/app'), ...quota('app/', '400000') },
    available: 4,
  },
  {
    title: 'in a container of version 1 that is shown the path of its host',
    files: { 'proc/self/cgroup': v1('/docker/c1'), ...quota('', '150000', '50000') },
    available: 3,
  },
  {
    title: 'below a group of version 1 with the tighter limit',
    files: { 'proc/self/cgroup': v1('/app/web'), ...quota('app/', '200000'), ...quota('app/web/', '-1') },
    available: 2,
  },
  {
    title: 'with both versions, of which the first has the limit',
    files: { 'proc/self/cgroup': `0::/app\n${v1('/app')}`, ...quota('app/', '200000') },
    available: 2,
  },
  {
    title: 'with a group of version 1 that is about something else',
    files: {
      'proc/self/cgroup': '4:cpuset:/app\n0::/\n',
      ...quota('app/', '100000'),
      'sys/fs/cgroup/cpu.max': '500000 100000\n',
    },
    available: 5,
  },
];

const rounded = [
  { limit: '150000 100000', cores: manyCores, available: 2 },
  { limit: '100001 100000', cores: manyCores, available: 2 },
  { limit: '50000 100000', cores: manyCores, available: 1 },
  { limit: '1000 100000', cores: manyCores, available: 1 },
  { limit: '1600000 100000', cores: 4, available: 4 },
  { limit: 'max 100000', cores: 4, available: 4 },
];

describe('the cores that are available', () => {
  it.each(unlimited)('are all $title', ({ files, available }) => {
    expect(availableCores(temporaryFolder(files), manyCores)).toBe(available);
  });

  it.each(limited)('are $available $title', ({ files, available }) => {
    expect(availableCores(temporaryFolder(files), manyCores)).toBe(available);
  });

  it.each(rounded)('are $available of $cores with a limit of $limit', ({ limit, cores, available }) => {
    const root = temporaryFolder({ 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/cpu.max': `${limit}\n` });

    expect(availableCores(root, cores)).toBe(available);
  });

  it('are at least one of this machine, and not more than it has', () => {
    expect(availableCores()).toBeGreaterThanOrEqual(1);
    expect(availableCores()).toBeLessThanOrEqual(availableParallelism());
  });
});
