import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ensureTool } from './support/debian-package.js';
import { temporaryFolder } from './support/temporary-folder.js';
import { ownNetwork } from './support/network-namespace.js';
import { sysctl, systemdAnalyze } from './support/tools.js';

const unitFile = 'deploy/nest-io-cluster.service';

describe('the unit file for systemd', () => {
  const unit = readFileSync(unitFile, 'utf8');

  it('is one that systemd understands, word by word', () => {
    const misspelled = path.join(temporaryFolder(), 'misspelled.service');
    writeFileSync(misspelled, unit.replace('WatchdogSec', 'WatchdogSeconds'));

    expect(complaintsAbout(unitFile)).toBe('');
    expect(complaintsAbout(misspelled)).toContain('WatchdogSeconds');
  });

  it('starts what npm run start:prod starts', () => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };

    expect(`exec node ${/^ExecStart=\/usr\/bin\/node (.*)$/m.exec(unit)?.[1]}`).toBe(scripts['start:prod']);
  });

  it('is of the type whose signs the primary gives, and reloads by the signal that it hears', () => {
    expect(unit).toContain('Type=notify\n');
    expect(unit).toContain('NotifyAccess=all\n');
    expect(unit).toMatch(/^ExecReload=.*-HUP \$MAINPID$/m);
  });
});

describe('the file for sysctl', () => {
  it('is one that sysctl understands, and sets what the primary looks at', () => {
    const [file, ...before] = ownNetwork({ 'net.ipv4.tcp_migrate_req': '0' });
    const script = `${ensureTool(sysctl)} --load=deploy/90-nest-io-cluster.conf && cat /proc/sys/net/ipv4/tcp_migrate_req`;

    const { stdout, stderr } = spawnSync(file!, [...before, 'sh', '-c', script], { encoding: 'utf8' });

    expect({ stdout, stderr }).toEqual({ stdout: 'net.ipv4.tcp_migrate_req = 1\n1\n', stderr: '' });
  });
});

/** What systemd's own checker says of a unit. */
function complaintsAbout(file: string): string {
  return spawnSync(ensureTool(systemdAnalyze), ['verify', file], { encoding: 'utf8' }).stderr;
}
