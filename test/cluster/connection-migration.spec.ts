import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { dropsWaitingConnections } from '../../src/cluster/connection-migration.js';
import { temporaryFolder } from '../support/temporary-folder.js';

describe('dropsWaitingConnections', () => {
  it.each([
    ['0\n', true],
    ['1\n', false],
  ])('finds in %j that it is %s', (setting, drops) => {
    const folder = temporaryFolder({ tcp_migrate_req: setting });

    expect(dropsWaitingConnections(path.join(folder, 'tcp_migrate_req'))).toBe(drops);
  });

  it('has nothing to advise where there is no such setting', () => {
    expect(dropsWaitingConnections(path.join(temporaryFolder(), 'tcp_migrate_req'))).toBe(false);
  });
});
