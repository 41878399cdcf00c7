import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { defaultControlSocket } from '../../src/cluster/control-path.js';

const { uid } = userInfo();

describe('the control socket of a cluster that names none', () => {
  it('lies in the runtime folder of the user', () => {
    expect(defaultControlSocket(3000, '/run/user/7')).toBe(`/run/user/7/nest-io-cluster-${uid}-3000.sock`);
  });

  it('lies in the folder for temporary files where there is no runtime folder', () => {
    expect(defaultControlSocket(3000, undefined)).toBe(path.join(tmpdir(), `nest-io-cluster-${uid}-3000.sock`));
  });

  it('is another one for each port', () => {
    expect(defaultControlSocket(3000, undefined)).not.toBe(defaultControlSocket(3001, undefined));
  });
});
