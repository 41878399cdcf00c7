import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

describe('the README', () => {
  const readme = readFileSync('README.md', 'utf8');

  it.each([
    'test/readme/price.gateway.ts',
    'test/readme/price.gateway.spec.ts',
    'main.cluster.ts',
    'deploy/nginx.conf',
    'deploy/haproxy.cfg',
  ])('shows %s as it is', (file) => {
    expect(readme).toContain(readFileSync(file, 'utf8').trim());
  });

  it('names every variable that the configuration reads', () => {
    const variables = [...readFileSync('src/config.ts', 'utf8').matchAll(/read\('(\w+)'/g)].map(([, name]) => name!);

    expect(variables.length).toBeGreaterThan(10);
    for (const variable of variables.filter((name) => !['WORKER_SLOT', 'WORKER_SESSIONS'].includes(name)))
      expect(readme).toContain(`\`${variable}\``);
  });
});
