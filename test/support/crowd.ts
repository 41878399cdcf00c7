import { onTestFinished } from 'vitest';
import type { Whereabouts } from '../../src/events.js';
import { type Client, next, open } from './clients.js';

export const clientKinds = {
  default: ['polling', 'websocket'],
  'WebSocket-only': ['websocket'],
  'polling-only': ['polling'],
} as const;
export type ClientKind = keyof typeof clientKinds;

export interface CrowdReport {
  readonly welcomed: number;
  readonly acknowledged: number;
  /** The transports on which they were in the end, with how many each. */
  readonly transports: Readonly<Record<string, number>>;
  /** Every error of every client: none is forgiven because it was tried again. */
  readonly errors: readonly string[];
  /** How many were welcomed by each worker, as `host/slot`. */
  readonly landed: Readonly<Record<string, number>>;
}

/** Sends so many clients of one kind at once; each is welcomed, says so much, one after the other, and leaves. */
export async function sendCrowd(
  url: string,
  kind: ClientKind,
  { clients, events }: { readonly clients: number; readonly events: number },
): Promise<CrowdReport> {
  const errors: string[] = [];
  const visits = await Promise.all(Array.from({ length: clients }, () => visit(url, kind, events, errors)));
  const seen = visits.filter((each) => each !== undefined);
  return {
    welcomed: seen.length,
    acknowledged: seen.reduce((sum, { acknowledged }) => sum + acknowledged, 0),
    transports: count(seen.map(({ transport }) => transport)),
    errors,
    landed: count(seen.map(({ landed }) => landed)),
  };
}

/** Undefined for a client that was never welcomed; an error then says why. */
async function visit(url: string, kind: ClientKind, events: number, errors: string[]) {
  const client = open(url, { transports: [...clientKinds[kind]], reconnection: false });
  const upgraded = kind === 'default' ? watchUpgrade(client, errors) : undefined;
  const failed = watchFailures(client, errors);
  const stay = async () => {
    const [welcome] = await next(client, 'welcome');
    let acknowledged = 0;
    for (; acknowledged < events / 2; acknowledged++) await say(client);
    await upgraded;
    for (; acknowledged < events; acknowledged++) await say(client);
    const { transport } = (await client.emitWithAck('whereami')) as Whereabouts;
    return { acknowledged, transport, landed: `${welcome.host}/${welcome.worker}` };
  };
  const seen = await Promise.race([stay(), failed]);
  client.removeAllListeners().disconnect();
  return seen;
}

async function say(client: Client): Promise<void> {
  const answer = await client.emitWithAck('say', { room: client.id!, text: 'hello' });
  if (answer !== true) throw new Error(`"say" was answered with ${JSON.stringify(answer)}.`);
}

/** Resolves with the first failure. */
function watchFailures(client: Client, errors: string[]): Promise<undefined> {
  return new Promise((resolve) => {
    const fail = (what: string): void => {
      errors.push(what);
      resolve(undefined);
    };
    client.on('connect_error', (error) => fail(`connect_error: ${describe(error)}`));
    client.on('disconnect', (reason, details) => fail(`disconnect: ${reason} ${JSON.stringify(details)}`));
    const tooLate = setTimeout(() => fail('not done within 30 s'), 30_000);
    onTestFinished(() => clearTimeout(tooLate));
  });
}

function watchUpgrade({ io: { engine } }: Client, errors: string[]): Promise<unknown> {
  engine.on('upgradeError', (error) => void errors.push(`upgradeError: ${describe(error)}`));
  return new Promise((resolve) => void engine.once('upgrade', resolve));
}

/** The status of an answer is in the context of Engine.IO's errors. */
function describe(error: Error): string {
  const { context } = error as { context?: { status?: number; responseText?: string } };
  return `${error.message} ${context?.status ?? ''} ${context?.responseText ?? ''}`.trim();
}

function count(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names.toSorted()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
