import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { z } from 'zod';

/** The header that carries them from worker to worker. */
export const factsHeader = 'x-nest-io-cluster-client';

const factsSchema = z.object({
  remoteAddress: z.string().optional(),
  remotePort: z.number().optional(),
  remoteFamily: z.string().optional(),
  localAddress: z.string().optional(),
  localPort: z.number().optional(),
  encrypted: z.boolean(),
  httpVersion: z.string(),
  /** The headers that belong to the client's own connection, as name, value, name, … */
  ofConnection: z.array(z.string()),
  /** Which of the worker's HTTP servers it came to. */
  server: z.number(),
  /** The poll that waits should be answered now, since the worker it came through ends. */
  nudge: z.boolean(),
});

/** What the owner of a session cannot see for itself of a request that another worker has brought. */
export type ClientFacts = Readonly<z.infer<typeof factsSchema>>;

/** What a socket says of its other end. */
export type ConnectionFacts = Pick<
  ClientFacts,
  'remoteAddress' | 'remotePort' | 'remoteFamily' | 'localAddress' | 'localPort' | 'encrypted'
>;

/** They end at the next process, or would be taken for its own. */
const headersOfConnection = new Set(['connection', 'keep-alive', 'proxy-connection', 'expect', 'trailer']);

const sealBytes = 16;

export function connectionFactsOf(socket: Socket): ConnectionFacts {
  const { remoteAddress, remotePort, remoteFamily, localAddress, localPort } = socket;
  const encrypted = 'encrypted' in socket && socket.encrypted === true;
  return { remoteAddress, remotePort, remoteFamily, localAddress, localPort, encrypted };
}

const connectionFacts = [
  'remoteAddress',
  'remotePort',
  'remoteFamily',
  'localAddress',
  'localPort',
  'encrypted',
] as const satisfies readonly (keyof ConnectionFacts)[];

/** What connections had of their own before they were made to look like others. */
const ownFacts = new WeakMap<Socket, PropertyDescriptorMap>();

/** Makes a connection between workers look like the client's. */
export function applyFacts(facts: ConnectionFacts, socket: Socket): void {
  if (!ownFacts.has(socket)) ownFacts.set(socket, describeOwn(socket));
  for (const name of connectionFacts) {
    Object.defineProperty(socket, name, { value: facts[name], configurable: true, writable: true });
  }
}

/** Makes it look like itself again. */
export function removeFacts(socket: Socket): void {
  const own = ownFacts.get(socket);
  if (!own) return;
  ownFacts.delete(socket);
  for (const name of connectionFacts) {
    const before = own[name];
    if (before) Object.defineProperty(socket, name, before);
    else Reflect.deleteProperty(socket, name);
  }
}

function describeOwn(socket: Socket): PropertyDescriptorMap {
  const own: PropertyDescriptorMap = {};
  for (const name of connectionFacts) {
    const descriptor = Object.getOwnPropertyDescriptor(socket, name);
    if (descriptor) own[name] = descriptor;
  }
  return own;
}

/** Parts a request's raw headers in those that travel and those of its connection. */
export function partHeaders(rawHeaders: readonly string[]): { travelling: string[]; ofConnection: string[] } {
  const travelling: string[] = [];
  const ofConnection: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name, value] = [rawHeaders[at]!, rawHeaders[at + 1]!];
    if (name.toLowerCase() === factsHeader) continue;
    (headersOfConnection.has(name.toLowerCase()) ? ofConnection : travelling).push(name, value);
  }
  return { travelling, ofConnection };
}

/** Facts as the value of a header, for where only the workers of this host can send one. */
export function tellFacts(facts: ClientFacts): string {
  return JSON.stringify(facts);
}

/** The facts that a request carries which came from where everybody is trusted. */
export function hearFacts({ headers }: IncomingMessage): ClientFacts | undefined {
  const value = headers[factsHeader];
  return typeof value === 'string' ? parse(value) : undefined;
}

/** Facts as a header's value that only who has the key can make. */
export function sealFacts(facts: ClientFacts, key: Buffer): string {
  const text = Buffer.from(JSON.stringify(facts)).toString('base64url');
  return `${text}.${sealOf(text, key).toString('base64url')}`;
}

/** Whether a request carries facts, whoever may have made them. */
export function carriesFacts({ headers }: IncomingMessage): boolean {
  return headers[factsHeader] !== undefined;
}

/** The facts that a request carries, if they were sealed with this key. */
export function openFacts({ headers }: IncomingMessage, key: Buffer): ClientFacts | undefined {
  const value = headers[factsHeader];
  if (typeof value !== 'string') return undefined;
  const [text = '', seal = ''] = value.split('.');
  const given = Buffer.from(seal, 'base64url');
  if (given.length !== sealBytes || !timingSafeEqual(given, sealOf(text, key))) return undefined;
  return parse(Buffer.from(text, 'base64url').toString());
}

/** Gives a request that another worker has brought the headers and the version that the client sent. */
export function restore(request: IncomingMessage, { ofConnection, httpVersion }: ClientFacts): void {
  request.rawHeaders = [...partHeaders(request.rawHeaders).travelling, ...ofConnection];
  const { headers } = request;
  for (const name of [...headersOfConnection, factsHeader]) delete headers[name];
  for (let at = 0; at < ofConnection.length; at += 2) headers[ofConnection[at]!.toLowerCase()] = ofConnection[at + 1];
  request.httpVersion = httpVersion;
  [request.httpVersionMajor = 1, request.httpVersionMinor = 1] = httpVersion.split('.').map(Number);
}

/** Undefined for those of another release, which may look otherwise. */
function parse(text: string): ClientFacts | undefined {
  try {
    return factsSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function sealOf(text: string, key: Buffer): Buffer {
  return createHmac('sha256', key).update(text).digest().subarray(0, sealBytes);
}
