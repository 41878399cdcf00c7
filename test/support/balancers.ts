import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { inject, onTestFinished } from 'vitest';
import { freePort } from './free-port.js';
import { eventually } from './eventually.js';
import { temporaryFolder } from './temporary-folder.js';

/** What stands in the files under `deploy/`, for readers to replace by their own. */
const documented = { address: /10\.0\.0\.(\d):3000/g };

/** An nginx with the file that we recommend. It ends with the test. */
export async function startNginx(ports: readonly number[], adapt = (site: string): string => site): Promise<string> {
  const port = await freePort();
  const site = pointTo(ports, readFileSync('deploy/nginx.conf', 'utf8')).replace(
    'listen 80',
    `listen 127.0.0.1:${port}`,
  );
  const folder = temporaryFolder({ 'site.conf': adapt(site) });
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join(' ');
  const main = [
    // One process, which ends when it is killed and stays the user that it is.
    'daemon off; master_process off;',
    `pid ${folder}/nginx.pid; error_log stderr;`,
    'events { worker_connections 8192; }',
    `http { access_log off; ${temporary} include ${folder}/site.conf; }`,
  ];
  const file = path.join(temporaryFolder({ 'nginx.conf': main.join('\n') }), 'nginx.conf');
  return await follow(spawn(inject('nginx'), ['-e', 'stderr', '-p', folder, '-c', file]), port);
}

/** A HAProxy with the file that we recommend. It ends with the test. */
export async function startHaproxy(ports: readonly number[]): Promise<string> {
  const port = await freePort();
  const site = pointTo(ports, readFileSync('deploy/haproxy.cfg', 'utf8')).replace('bind :80', `bind 127.0.0.1:${port}`);
  const folder = temporaryFolder({ 'haproxy.cfg': site });
  return await follow(spawn(inject('haproxy'), ['-db', '-f', path.join(folder, 'haproxy.cfg')]), port);
}

/** Puts the first of the documented hosts at the first port, and so on. */
function pointTo(ports: readonly number[], config: string): string {
  const found = [...config.matchAll(documented.address)];
  if (found.length !== ports.length)
    throw new Error(`Expected ${ports.length} hosts in the file, found ${found.length}.`);
  return config.replace(documented.address, (_, number: string) => `127.0.0.1:${ports[Number(number) - 1]}`);
}

async function follow(balancer: ChildProcess, port: number): Promise<string> {
  const said = text(balancer.stderr!);
  const ended = once(balancer, 'exit');
  onTestFinished(async () => {
    balancer.kill('SIGKILL');
    await ended;
  });
  balancer.stdout!.resume();
  const url = `http://127.0.0.1:${port}`;
  const answers = (): Promise<boolean> =>
    fetch(`${url}/health`).then(
      ({ ok }) => ok,
      () => false,
    );
  await Promise.race([
    eventually(answers, (answered) => answered),
    ended.then(async () => Promise.reject(new Error(`${balancer.spawnfile} has ended:\n${await said}`))),
  ]);
  return url;
}
