import { refusedMessages } from '../refused-messages.js';
import { type HubLink, type HubReply, type HubRequest, isHubRequest } from './embedded.protocol.js';
import { LossLog } from './loss-log.js';
import { Outbox } from './outbox.js';

/**
 * Carries messages between the processes of one host, in the primary.
 *
 * Its routing table is the subscriptions, so a process gets only what it asked for.
 */
export class EmbeddedHub {
  private readonly byChannel = new Map<string, Set<Member>>();
  private readonly byPrefix = new Map<string, Set<Member>>();
  private readonly losses = new LossLog('EmbeddedHub');

  /** How many messages were dropped because a process did not read. */
  get lost(): number {
    return this.losses.total;
  }

  /** Serves the process at the other end until the returned function is called. */
  attach(link: HubLink, limitBytes?: number): () => void {
    const member: Member = {
      outbox: new Outbox<HubReply>(link, limitBytes, (count) => this.losses.say(count, 'a worker’s channel is closed')),
      channels: new Set(),
      prefixes: new Set(),
    };
    const unlisten = link.listen((requests) => {
      for (const request of requests) {
        if (isHubRequest(request)) this.take(member, request);
        else refusedMessages.add('a request to the embedded carrier', 'ipc', 'it has no such form');
      }
    });
    return () => {
      unlisten();
      this.forget(member);
    };
  }

  private take(member: Member, request: HubRequest): void {
    switch (request[0]) {
      case 'publish':
        return this.publish(request[1], request[2]);
      case 'subscribe':
        for (const channel of request[2]) {
          member.channels.add(channel);
          add(this.byChannel, channel, member);
        }
        return member.outbox.put(['done', request[1], 0]);
      case 'subscribePrefix':
        member.prefixes.add(request[2]);
        add(this.byPrefix, request[2], member);
        return member.outbox.put(['done', request[1], 0]);
      case 'unsubscribe':
        for (const channel of request[1]) {
          member.channels.delete(channel);
          drop(this.byChannel, channel, member);
        }
        return;
      case 'unsubscribePrefix':
        member.prefixes.delete(request[1]);
        return drop(this.byPrefix, request[1], member);
      case 'end':
        return this.forget(member);
      case 'count':
        return member.outbox.put(['done', request[1], this.byChannel.get(request[2])?.size ?? 0]);
    }
  }

  private forget(member: Member): void {
    for (const channel of member.channels) drop(this.byChannel, channel, member);
    for (const prefix of member.prefixes) drop(this.byPrefix, prefix, member);
    member.channels.clear();
    member.prefixes.clear();
  }

  private publish(channel: string, message: Buffer): void {
    const reply: HubReply = ['message', channel, message];
    for (const member of this.byChannel.get(channel) ?? []) this.deliver(member, reply, message.length);
    for (const [prefix, members] of this.byPrefix) {
      if (channel.startsWith(prefix)) for (const member of members) this.deliver(member, reply, message.length);
    }
  }

  private deliver(member: Member, reply: HubReply, bytes: number): void {
    if (!member.outbox.putMessage(reply, bytes)) this.losses.say(1, 'a worker does not read');
  }
}

interface Member {
  readonly outbox: Outbox<HubReply>;
  readonly channels: Set<string>;
  readonly prefixes: Set<string>;
}

function add(table: Map<string, Set<Member>>, key: string, member: Member): void {
  const members = table.get(key);
  if (members) members.add(member);
  else table.set(key, new Set([member]));
}

function drop(table: Map<string, Set<Member>>, key: string, member: Member): void {
  const members = table.get(key);
  members?.delete(member);
  if (members?.size === 0) table.delete(key);
}
