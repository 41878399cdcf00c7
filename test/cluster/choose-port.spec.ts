import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { choosePort, toListenError } from '../../src/cluster/choose-port.js';
import { AddressUnusableError, PortTakenError } from '../../src/errors.js';
import { freePort } from '../support/free-port.js';

/** Set aside for documentation (RFC 5737), so it is never an address of this machine. */
const foreignAddress = '203.0.113.1';

describe('choosePort', () => {
  it.each(['127.0.0.1', undefined])('keeps a port that is free on %s', async (host) => {
    const port = await freePort();

    expect(await choosePort(port, host)).toBe(port);
  });

  it('chooses a port for 0, and leaves it free', async () => {
    const port = await choosePort(0, '127.0.0.1');

    expect(port).toBeGreaterThan(0);
    expect(await listen(port)).toBe(port);
  });

  it.each(['127.0.0.1', undefined])('refuses a port that is taken on %s, and says what to do', async (host) => {
    const port = await listen(0);

    const error = await choosePort(port, host).catch((reason: unknown) => reason);

    expect(error).toBeInstanceOf(PortTakenError);
    expect(error).toMatchObject({
      code: 'PORT_TAKEN',
      port,
      message: `Port ${port} is taken by another program: stop it, or set PORT to a free one (0 picks one).`,
      cause: { code: 'EADDRINUSE' },
    });
  });

  it('refuses an address that is not of this machine, and says what to do', async () => {
    const error = await choosePort(0, foreignAddress).catch((reason: unknown) => reason);

    expect(error).toBeInstanceOf(AddressUnusableError);
    expect(error).toMatchObject({
      code: 'ADDRESS_UNUSABLE',
      address: `${foreignAddress}, port 0`,
      message:
        `Cannot listen on ${foreignAddress}, port 0 (listen EADDRNOTAVAIL: address not available ${foreignAddress}): ` +
        'set HOST and PORT to an address this process may use.',
    });
  });
});

describe('toListenError', () => {
  it('leaves alone what has nothing to do with listening', () => {
    const error = new TypeError('something else');

    expect(toListenError(error, 3000, undefined)).toBe(error);
  });

  it('names all interfaces where no host was asked for', () => {
    const denied = Object.assign(new Error('listen EACCES'), { syscall: 'listen', code: 'EACCES' });

    expect(toListenError(denied, 80, undefined)).toMatchObject({ address: 'all interfaces, port 80', cause: denied });
  });
});

async function listen(port: number): Promise<number> {
  const server = createServer().listen(port, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
