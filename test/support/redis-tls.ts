import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Files in PEM, as `redis-server` and the configuration take them. */
export interface Certificates {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Makes an authority, and a certificate of it for `name` and no address. Valid for a day. */
export function makeCertificates(openssl: string, folder: string, name: string): Certificates {
  const file = (base: string): string => path.join(folder, base);
  const run = (...args: string[]): void => void execFileSync(openssl, args, { cwd: folder, stdio: 'ignore' });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

  run('req', '-x509', ...newKey, '-days', '1', '-subj', '/CN=authority', '-keyout', 'ca.key', '-out', 'ca.pem');
  run('req', ...newKey, '-subj', `/CN=${name}`, '-keyout', 'redis.key', '-out', 'redis.csr');
  writeFileSync(file('names'), `subjectAltName=DNS:${name}`);
  const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '1', '-extfile', 'names'];
  run('x509', '-req', '-in', 'redis.csr', ...signed, '-out', 'redis.pem');
  return { ca: file('ca.pem'), cert: file('redis.pem'), key: file('redis.key') };
}

/** What a server that speaks TLS alone, and asks for the client's certificate, is started with. */
export function tlsOptions(port: number, { ca, cert, key }: Certificates): string[] {
  return [
    ['--port', '0'],
    ['--tls-port', `${port}`],
    ['--tls-cert-file', cert],
    ['--tls-key-file', key],
    ['--tls-ca-cert-file', ca],
  ].flat();
}

/** The files' contents, as the configuration reads them. */
export function contentsOf({ ca, cert, key }: Certificates): Certificates {
  const [caText, certText, keyText] = [ca, cert, key].map((file) => readFileSync(file, 'utf8'));
  return { ca: caText!, cert: certText!, key: keyText! };
}
