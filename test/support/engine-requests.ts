import { once } from 'node:events';
import http, { type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { text } from 'node:stream/consumers';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface EngineRequest {
  readonly method?: string;
  readonly sid?: string | undefined;
  readonly body?: string | undefined;
  readonly headers?: OutgoingHttpHeaders;
  /** By default a connection of its own for each request. */
  readonly agent?: http.Agent;
  readonly localAddress?: string;
}

export function enginePath(sid?: string): string {
  return `/socket.io/?EIO=4&transport=polling${sid === undefined ? '' : `&sid=${encodeURIComponent(sid)}`}`;
}

/** One request of Engine.IO's long-polling, as a client makes it. */
export function openRequest(url: string, { method = 'GET', sid, headers = {}, agent, localAddress }: EngineRequest) {
  const { hostname, port } = new URL(url);
  const to = { hostname, port, path: enginePath(sid), ...(localAddress && { localAddress }) };
  return http.request({ ...to, method, headers, agent: agent ?? false });
}

export async function answerTo(request: http.ClientRequest): Promise<Answer> {
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return { status: response.statusCode!, headers: response.headers, body: await text(response) };
}

export async function ask(url: string, request: EngineRequest = {}): Promise<Answer> {
  const asked = openRequest(url, { method: request.body === undefined ? 'GET' : 'POST', ...request });
  asked.end(request.body);
  return await answerTo(asked);
}

/** Begins a session of Socket.IO by long-polling, and resolves with its id once it is connected. */
export async function beginSession(url: string, namespace = ''): Promise<string> {
  const { body } = await ask(url);
  const { sid } = JSON.parse(body.slice(1)) as { sid: string };
  await ask(url, { sid, body: namespace === '' ? '40' : `40${namespace},` });
  const connected = await ask(url, { sid });
  if (!connected.body.startsWith('40'))
    throw new Error(`Expected the connection to be confirmed, got ${connected.body}.`);
  return sid;
}

/** What Engine.IO says of a session that it does not know. */
export const unknownSession = { status: 400, body: '{"code":1,"message":"Session ID unknown"}' };
