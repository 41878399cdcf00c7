import { type ManagerOptions, type Socket, type SocketOptions, io } from 'socket.io-client';
import { onTestFinished } from 'vitest';
import type { ClientEvents, ServerEvents, Welcome } from '../../src/events.js';

export type Client = Socket<ServerEvents, ClientEvents>;

/** A client that has been welcomed. It ends with the test. */
export interface WelcomedClient {
  readonly client: Client;
  readonly welcome: Welcome;
}

export function open(url: string, options: Partial<ManagerOptions & SocketOptions> = {}): Client {
  return openUntyped(url, options);
}

/** For namespaces whose events the test says itself. */
export function openUntyped(url: string, options: Partial<ManagerOptions & SocketOptions> = {}): Socket {
  const client = io(url, { transports: ['websocket'], forceNew: true, reconnectionDelay: 100, ...options });
  onTestFinished(() => void client.disconnect());
  return client;
}

export async function connect(url: string): Promise<WelcomedClient> {
  const client = open(url);
  const [welcome] = await next(client, 'welcome');
  return { client, welcome };
}

/** One client on each of the slots 1…N. */
export async function connectToEach(url: string, slots: number): Promise<Client[]> {
  const bySlot = new Map<number, Client>();
  for (let attempt = 0; bySlot.size < slots && attempt < slots * 20; attempt++) {
    const { client, welcome } = await connect(url);
    if (bySlot.has(welcome.worker)) client.disconnect();
    else bySlot.set(welcome.worker, client);
  }
  if (bySlot.size < slots) throw new Error(`Only the workers ${[...bySlot.keys()].join(', ')} took a client.`);
  return [...bySlot.entries()].toSorted(([a], [b]) => a - b).map(([, client]) => client);
}

type Arguments<Events, Name extends keyof Events> = Events[Name] extends (...args: infer Args) => void ? Args : never;

/** The arguments of the next event of that name. */
export function next<Received, Sent, Name extends keyof Received & string>(
  client: Socket<Received & object, Sent & object> | Client,
  name: Name,
): Promise<Arguments<Received, Name>>;
export function next(client: { once(name: string, listener: (...args: unknown[]) => void): unknown }, name: string) {
  return new Promise<unknown[]>((resolve) => {
    client.once(name, (...args) => resolve(args));
  });
}

/** Resolves with what was heard once `enough` holds. */
export function collect<T>(
  client: { on(name: string, listener: (value: T) => void): unknown },
  name: string,
  enough: (heard: readonly T[]) => boolean,
): Promise<T[]> {
  const heard: T[] = [];
  return new Promise((resolve) => {
    client.on(name, (value) => {
      heard.push(value);
      if (enough(heard)) resolve([...heard]);
    });
  });
}
