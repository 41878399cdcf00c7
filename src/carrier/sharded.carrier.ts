import { EventEmitter, once } from 'node:events';
import { setTimeout as elapsed } from 'node:timers/promises';
import { Carrier, type CarrierHealth, type MessageListener } from '../carrier.js';
import { PrefixUnsupportedError, RedisUnreachableError } from '../errors.js';
import { type HostAndPort, parseClusterUrl, type RedisAccess } from '../redis-address.js';
import { within } from '../within.js';
import { hashSlot } from './hash-slot.js';
import { OutageLog } from './outage-log.js';
import { openNodeClients, openOnce } from './redis-clients.js';
import { shardChannel } from './shard-channel.js';
import { ShardNode } from './shard-node.js';
import { parseAddress, readRedirection, readSlotOwners, type SlotOwners } from './slot-owners.js';

const limits = {
  /** How often it looks whether the nodes answer, and still serve the same slots. */
  checkMs: 2_000,
  /** How long one node may take to say who serves which slot. */
  answerMs: 2_000,
  firstRetryMs: 20,
  longestRetryMs: 500,
  /** An interruption that lost nothing and was shorter, such as that of a slot's migration, is not worth a line. */
  briefMs: 1_000,
};

/**
 * Carries messages through a Redis Cluster of version 7 or newer by sharded pub/sub: each message is carried by the one
 * shard that serves its channel's slot, so that more shards carry more.
 *
 * In order per publisher and channel, as every carrier; messages of two channels may overtake each other.
 *
 * A channel's subscription follows its slot: through a failover, and through a migration, whose source ends it.
 */
export class ShardedCarrier extends Carrier {
  readonly name = 'sharded';
  /** Of the nodes that it was told of. */
  readonly address: string;

  private readonly outages: OutageLog;
  private readonly seeds: readonly HostAndPort[];
  private readonly nodes = new Map<string, ShardNode>();
  private owners: SlotOwners = [];
  /** Each channel that is asked for, by its name in the cluster. */
  private readonly wanted = new Map<string, string>();
  /** Those that no node has confirmed, with the number of the request that may. */
  private readonly missing = new Map<string, number>();
  private requests = 0;
  private readonly listeners = new Set<MessageListener>();
  private readonly picture = new EventEmitter<{ whole: []; closed: []; failed: [Error] }>().setMaxListeners(0);
  private readonly closing = new AbortController();
  private state: CarrierHealth['state'] = 'connecting';
  /** Whether something was seen since that the table of slots does not explain. */
  private isStale = true;
  private isMending = false;
  /** The node that knows best who serves what. */
  private informant: string | undefined;
  private isChecking = false;
  private timer: NodeJS.Timeout | undefined;

  /** @param access has as its URL `redis://[user:password@]host[:port][,host[:port]…]`, of one or more nodes. */
  constructor(private readonly access: RedisAccess) {
    super();
    const cluster = parseClusterUrl(access.url);
    if (!cluster) throw new RangeError('Expected `url` to be redis://[user:password@]host[:port][,host[:port]…].');
    this.seeds = cluster.hosts;
    this.address = cluster.hosts.map(({ host, port }) => `${host}:${port}`).join(', ');
    const words = { server: `the Redis Cluster at ${this.address}`, away: 'is not whole', back: 'is whole again' };
    this.outages = new OutageLog(ShardedCarrier.name, words, limits.briefMs);
  }

  /** Shards know channels by their names alone. */
  override get hearsPrefixes(): boolean {
    return false;
  }

  get health(): CarrierHealth {
    return { state: this.state, lost: this.outages.lost };
  }

  /**
   * Finds the cluster's nodes and connects to those that serve slots.
   *
   * @throws RedisUnreachableError when that takes longer than `timeoutMs`. The carrier goes on trying until it is
   * closed, so a process that can serve without Redis may ignore this.
   */
  async connect(timeoutMs: number): Promise<void> {
    if (this.state === 'connected') return;
    const given = AbortSignal.timeout(timeoutMs);
    let reason: Error | undefined;
    const noteReason = (error: Error): void => void (reason = error);
    this.picture.on('failed', noteReason);
    this.timer ??= setInterval(() => void this.check(), limits.checkMs).unref();
    try {
      const whole = once(this.picture, 'whole', { signal: given });
      void this.mend();
      await whole;
    } catch {
      // ioredis puts the failed command into its error, and that of HELLO holds the password.
      throw new RedisUnreachableError(this.address, timeoutMs, { cause: reason && new Error(reason.message) });
    } finally {
      this.picture.off('failed', noteReason);
    }
  }

  publish(channel: string, message: Buffer): void {
    const name = shardChannel(channel);
    const node = this.ownerOf(name);
    if (this.isClosed() || !node?.publish(name, message)) this.lose('no node takes it');
  }

  async subscribe(channels: readonly string[]): Promise<void> {
    if (this.isClosed()) return;
    const names = channels.map(shardChannel);
    for (const [index, name] of names.entries()) this.wanted.set(name, channels[index]!);
    const ended = new AbortController();
    try {
      await Promise.race([this.ask(names), once(this.picture, 'closed', { signal: ended.signal })]);
    } catch {
      if (!this.isClosed()) await once(this.picture, 'whole');
    } finally {
      ended.abort();
    }
  }

  subscribePrefix(): Promise<never> {
    return Promise.reject(new PrefixUnsupportedError());
  }

  unsubscribe(channels: readonly string[]): void {
    const names = channels.map(shardChannel).filter((name) => this.wanted.delete(name));
    for (const name of names) this.missing.delete(name);
    for (const { node, group } of this.byNode(names)) node?.unsubscribe(group);
    this.settle();
  }

  unsubscribePrefix(): void {}

  async subscribers(channel: string): Promise<number> {
    const name = shardChannel(channel);
    const node = this.ownerOf(name);
    if (!node) throw new Error('No node serves the slot of the channel.');
    return node.subscribers(name);
  }

  onMessage(listener: MessageListener): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  async close(): Promise<void> {
    if (this.isClosed()) return;
    const nodes = [...this.nodes.values()];
    for (const node of nodes) node.flush();
    this.state = 'closed';
    clearInterval(this.timer);
    this.closing.abort();
    this.picture.emit('closed');
    this.wanted.clear();
    await Promise.all(nodes.map((node) => node.close()));
    this.picture.emit('whole');
  }

  private isClosed(): boolean {
    return this.state === 'closed';
  }

  private ownerOf(name: string): ShardNode | undefined {
    return this.nodes.get(this.owners[hashSlot(name)] ?? '');
  }

  /** One SSUBSCRIBE is for one slot. */
  private byNode(names: readonly string[]): { readonly node: ShardNode | undefined; readonly group: string[] }[] {
    const bySlot = new Map<number, string[]>();
    for (const name of names) {
      const slot = hashSlot(name);
      const group = bySlot.get(slot);
      if (group) group.push(name);
      else bySlot.set(slot, [name]);
    }
    return [...bySlot].map(([slot, group]) => ({ node: this.nodes.get(this.owners[slot] ?? ''), group }));
  }

  /** Rejects where one of the nodes refuses or is not there; then {@link mend} asks again. */
  private async ask(names: readonly string[]): Promise<void> {
    const request = ++this.requests;
    for (const name of names) this.missing.set(name, request);
    await Promise.all(
      this.byNode(names).map(async ({ node, group }) => {
        try {
          if (!node) throw new Error('no node serves some of the slots');
          await node.subscribe(group);
          this.confirm(node, group, request);
        } catch (error) {
          this.goAstray(error as Error, node);
          throw error;
        }
      }),
    );
  }

  /** A channel that was left meanwhile, or asked for again, waits for another answer. */
  private confirm(node: ShardNode, names: readonly string[], request: number): void {
    for (const name of names) {
      if (this.missing.get(name) !== request) continue;
      this.missing.delete(name);
      node.live.add(name);
    }
    this.settle();
  }

  private hear(name: Buffer, message: Buffer): void {
    const channel = this.wanted.get(name.toString());
    if (channel === undefined) return;
    for (const listener of this.listeners) listener(channel, message);
  }

  /** Looks who serves which slot, and asks for what is missing there, until nothing is. */
  private async mend(): Promise<void> {
    if (this.isMending) return;
    this.isMending = true;
    for (let attempt = 0; this.state !== 'connected' && !this.isClosed(); attempt++) {
      await this.pause(attempt);
      await this.refresh();
      const reachable = [...this.missing.keys()].filter((name) => this.ownerOf(name)?.isReady);
      // Each node that refuses has said so to `goAstray`.
      await within(limits.answerMs, this.ask(reachable), () => {}).catch(() => {});
      this.settle();
    }
    this.isMending = false;
  }

  private async pause(attempt: number): Promise<void> {
    if (attempt === 0) return;
    const longest = Math.min(limits.longestRetryMs, limits.firstRetryMs * 2 ** attempt);
    await elapsed(longest * (0.5 + Math.random() / 2), undefined, { signal: this.closing.signal }).catch(() => {});
  }

  private async check(): Promise<void> {
    this.outages.warn();
    if (this.isChecking) return;
    this.isChecking = true;
    if (this.state === 'connected') await this.refresh();
    else void this.mend();
    await Promise.all([...this.nodes.values()].map((node) => node.check()));
    this.isChecking = false;
  }

  private async refresh(): Promise<void> {
    this.isStale = false;
    const owners = await this.askWhoServes();
    if (this.isClosed()) return;
    if (owners) this.adopt(owners);
    else this.isStale = true;
  }

  private async askWhoServes(): Promise<SlotOwners | undefined> {
    const known = this.informant === undefined ? undefined : this.nodes.get(this.informant);
    this.informant = undefined;
    const others = shuffled([...this.nodes.values()].filter((node) => node !== known));
    for (const node of [...(known ? [known] : []), ...others]) {
      if (!node.isReady) continue;
      const owners = await this.read(() => node.slots(), node.address);
      if (owners) return owners;
    }
    for (const seed of shuffled(this.seeds)) {
      const owners = await this.read(() => this.askSeed(seed), `${seed.host}:${seed.port}`);
      if (owners || this.isClosed()) return owners;
    }
    return undefined;
  }

  private async read(ask: () => Promise<unknown>, address: string): Promise<SlotOwners | undefined> {
    try {
      const owners = readSlotOwners(await ask(), address);
      if (owners.some((owner) => owner !== undefined)) return owners;
      this.noteFailure(new Error(`${address} knows of no node that serves a slot`));
    } catch (error) {
      this.noteFailure(error as Error);
    }
    return undefined;
  }

  private async askSeed(seed: HostAndPort): Promise<unknown> {
    const client = openOnce(this.access, seed);
    client.on('error', (error) => this.noteFailure(error));
    try {
      const asked = client.connect().then(() => client.cluster('SLOTS'));
      return await within<unknown>(limits.answerMs, asked, () => {
        throw new Error(`${seed.host}:${seed.port} did not answer within ${limits.answerMs} ms`);
      });
    } finally {
      client.disconnect();
    }
  }

  /** Connects to who serves now, and leaves who serves no more; subscriptions that are elsewhere now become missing. */
  private adopt(owners: SlotOwners): void {
    this.owners = owners;
    const addresses = new Set(owners.filter((owner) => owner !== undefined));
    for (const [address, node] of this.nodes) {
      const elsewhere = [...node.live].filter((name) => owners[hashSlot(name)] !== address);
      if (elsewhere.length > 0) this.takeAway(node, elsewhere);
      if (addresses.has(address)) continue;
      this.nodes.delete(address);
      void node.close();
    }
    for (const address of addresses) this.open(address);
  }

  private open(address: string): void {
    if (this.nodes.has(address)) return;
    const node: ShardNode = new ShardNode(address, openNodeClients(this.access, parseAddress(address)), {
      onReady: () => this.settle(),
      onAway: (error) => this.isMember(node) && this.goAstray(error, node),
      onTakenAway: (names) => this.isMember(node) && names.length > 0 && this.takeAway(node, names),
      onLost: (error) => {
        this.lose(error.message);
        if (this.isMember(node)) this.goAstray(error, node);
      },
      onMessage: (name, message) => this.hear(name, message),
    });
    this.nodes.set(address, node);
    if (this.state !== 'connected') return;
    this.state = 'away';
    void this.mend();
  }

  private isMember(node: ShardNode): boolean {
    return this.nodes.get(node.address) === node;
  }

  private takeAway(node: ShardNode, names: readonly string[]): void {
    for (const name of names) {
      node.live.delete(name);
      if (this.wanted.has(name) && !this.missing.has(name)) this.missing.set(name, 0);
    }
    this.goAstray(new Error('slots have moved'), node);
  }

  /** What a node says or does that the table of slots does not explain. */
  private goAstray(error: Error, node: ShardNode | undefined): void {
    if (this.isClosed()) return;
    const redirection = node && readRedirection(error, node.address);
    if (redirection) this.informant = node.address;
    this.isStale = true;
    if (this.state === 'connected') this.state = 'away';
    this.noteFailure(error);
    if (this.timer) void this.mend();
  }

  private settle(): void {
    if (this.state === 'connected' || this.isClosed() || this.isStale || this.missing.size > 0) return;
    if (![...this.nodes.values()].every((node) => node.isReady)) return;
    this.state = 'connected';
    this.outages.end();
    this.picture.emit('whole');
  }

  private lose(why: string): void {
    this.outages.lose(1, this.state === 'connected' ? why : undefined);
  }

  private noteFailure(error: Error): void {
    if (this.isClosed()) return;
    this.picture.emit('failed', error);
    this.outages.begin(error);
  }
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, at: Math.random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
