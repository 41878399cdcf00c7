import { setImmediate as turn } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { Emitter } from '@socket.io/redis-emitter';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { Carrier } from '../../src/carrier.js';
import { CarrierModule } from '../../src/carrier/carrier.module.js';
import { RedisCarrier } from '../../src/carrier/redis.carrier.js';
import { ClusterEmitter } from '../../src/emitter/cluster-emitter.js';
import { EmitterModule } from '../../src/emitter/emitter.module.js';
import { allCarriers } from '../support/carriers.js';
import { type Fleet, startFleet, startNode, untilFence } from '../support/nodes.js';
import { RecordingCarrier } from '../support/recording-carrier.js';
import { startRedis } from '../support/redis-server.js';
import { watchForUnhandled } from '../support/rejections.js';

interface ShopEvents {
  sold: (item: string, price: number) => void;
  fence: () => void;
}

interface ShopClusterEvents {
  reload: (what: { prices: boolean }) => void;
}

/** A service of a team, which asks for either emitter. */
@Injectable()
class ShopService {
  constructor(
    @Inject(ClusterEmitter) readonly emitter: ClusterEmitter<ShopEvents, ShopClusterEvents>,
    @Inject(Emitter) readonly official: Emitter<ShopEvents>,
  ) {}

  sell(item: string, price: number): void {
    this.emitter.to('shop').emit('sold', item, price);
  }
}

describe.each(allCarriers)('the emitter over the %s carrier', (carrier) => {
  it('reaches all clients, rooms, single ones, and leaves out who is excepted', async () => {
    const { emitter, clients } = await start();
    await clients[1]!.emitWithAck('join', 'shop');
    const heard = clients.map((client) => untilFence(client));

    // First, since what is volatile is dropped behind others that have not left yet.
    emitter.volatile.emit('sold', 'now or never', 0);
    emitter.emit('sold', 'to all', 1);
    emitter.to('shop').emit('sold', 'to the shop', 2);
    emitter.in(['shop', clients[0]!.id!]).emit('sold', 'to both', 3);
    emitter.to(clients[0]!.id!).emit('sold', 'to one', 4);
    emitter.except('shop').emit('sold', 'to the others', 5);
    emitter.compress(false).emit('sold', 'as it is', 6);
    emitter.emit('fence');

    expect((await Promise.all(heard)).map((all) => all.map(([, , price]) => price))).toEqual([
      [0, 1, 3, 4, 5, 6],
      [0, 1, 2, 3, 6],
    ]);
  });

  it('makes clients join, leave and disconnect', async () => {
    const { emitter, clients } = await start();
    const heard = clients.map((client) => untilFence(client));
    const gone = new Promise((resolve) => clients[1]!.once('disconnect', resolve));

    emitter.in(clients[0]!.id!).socketsJoin(['shop', 'hall']);
    emitter.socketsJoin('everyone');
    emitter.to('everyone').emit('sold', 'to all', 1);
    emitter.in('shop').socketsLeave('hall');
    emitter.to('hall').emit('sold', 'to nobody', 2);
    emitter.to('shop').emit('sold', 'to one', 3);
    emitter.emit('fence');

    expect((await Promise.all(heard)).map((all) => all.map(([, , price]) => price))).toEqual([[1, 3], [1]]);
    emitter.except('shop').disconnectSockets();
    expect(await gone).toBe('io server disconnect');
    expect(clients[0]!.connected).toBe(true);
  });

  it('reaches another namespace, with or without its slash', async () => {
    const { emitter, node } = await start();
    node.server.of('/orders');
    await node.adapter.subscribed();
    const client = await node.connect('/orders');
    const heard = untilFence(client);

    emitter.emit('sold', 'elsewhere', 0);
    emitter.of('/orders').emit('sold', 'with', 1);
    emitter.of('orders').to(client.id!).emit('sold', 'without', 2);
    emitter.of('/orders').emit('fence');

    expect((await heard).map(([, , price]) => price)).toEqual([1, 2]);
  });

  it('raises events in the servers, and refuses to wait for an answer', async () => {
    const { emitter, node } = await start();
    const told = new Promise((resolve) => node.server.once('reload', resolve));

    emitter.serverSideEmit('reload', { prices: true });

    expect(await told).toEqual({ prices: true });
    // @ts-expect-error the event has no such argument either
    expect(() => emitter.serverSideEmit('reload', { prices: true }, () => {})).toThrow('not supported');
  });

  it('is injected as itself and as the official one, and is the same', async () => {
    const fleet = startFleet(carrier);
    const { shop } = await startShop(fleet);
    const node = await startNode(fleet);
    const client = await node.connect();
    await client.emitWithAck('join', 'shop');
    const heard = untilFence(client);

    shop.sell('pear', 3);
    shop.official.to('shop').emit('sold', 'plum', 4);
    shop.official.emit('fence');

    expect(shop.official).toBe(shop.emitter);
    expect(await heard).toEqual([
      ['sold', 'pear', 3],
      ['sold', 'plum', 4],
    ]);
  });

  it('reaches clients with what it says right before its application closes', async () => {
    const fleet = startFleet(carrier);
    const [{ app, shop }, node] = [await startShop(fleet), await startNode(fleet)];
    const client = await node.connect();
    await client.emitWithAck('join', 'shop');
    const heard = untilFence(client);

    for (let price = 0; price < 1_000; price++) shop.sell('pear', price);
    shop.emitter.emit('fence');
    await app.close();

    expect((await heard).map(([, , price]) => price)).toEqual(Array.from({ length: 1_000 }, (_, price) => price));
    expect(app.get(Carrier).health.lost).toBe(0);
  });

  it('loses its carrier with the application, without a failure', async () => {
    const failed = watchForUnhandled();
    const { app, shop } = await startShop(startFleet(carrier));
    const { health: before } = app.get(Carrier);

    await app.close();
    shop.sell('pear', 3);
    await turn();

    expect(before.state).toBe('connected');
    expect(app.get(Carrier).health).toEqual({ state: 'closed', lost: 1 });
    await failed();
  });

  async function start() {
    const fleet = startFleet(carrier);
    const [{ shop }, node] = [await startShop(fleet), await startNode(fleet)];
    return { emitter: shop.emitter, node, clients: [await node.connect(), await node.connect()] };
  }
});

describe('the emitter', () => {
  it('knows the events that the clients know', async () => {
    const { shop } = await startShop({ key: 'key', openCarrier: () => Promise.resolve(new RecordingCarrier()) });

    shop.emitter.emit('sold', 'pear', 3);
    // @ts-expect-error there is no such event
    shop.emitter.emit('solt', 'pear', 3);
    // @ts-expect-error the price is a number
    shop.emitter.to('shop').emit('sold', 'pear', '3');
    // @ts-expect-error the price is missing
    shop.emitter.of('/orders').emit('sold', 'pear');
    // @ts-expect-error there is no such event among the servers
    shop.emitter.serverSideEmit('sold', 'pear', 3);

    expect(() => shop.emitter.emit('disconnect' as 'fence')).toThrow('reserved');
  });

  it('speaks under "socket.io" when it is not told otherwise, as the official one', async () => {
    const carrier = new RecordingCarrier();
    const module = await Test.createTestingModule({
      imports: [CarrierModule.forRoot(() => carrier, { key: 'socket.io' }), EmitterModule.forRoot()],
    }).compile();
    const published: { channel: string; message: Buffer }[] = [];
    const official = new Emitter({
      publish: (channel: string, message: string | Buffer) =>
        void published.push({ channel, message: Buffer.from(message as string) }),
    });

    for (const emitter of [module.get(ClusterEmitter), official]) {
      emitter
        .of('/orders')
        .to('lobby')
        .except('quiet')
        .volatile.emit('said', { bytes: Buffer.from([255]) });
      emitter.to(['a', 'b']).socketsLeave('c');
      emitter.serverSideEmit('reload');
    }

    expect(carrier.published).toEqual(published);
  });

  it('counts what Redis does not take in time, and never fails', async () => {
    const failed = watchForUnhandled();
    const redis = await startRedis(inject('redisServer'));
    onTestFinished(() => redis.stop());
    const carrier = new RedisCarrier({ url: redis.url, queueAgeMs: 100 });
    await carrier.connect(10_000);
    const { shop, app } = await startShop({ key: 'key', openCarrier: () => Promise.resolve(carrier) });
    await redis.stop();

    for (let sequence = 0; sequence < 100; sequence++) shop.sell('pear', sequence);

    await expect.poll(() => carrier.health.lost).toBe(100);
    await app.close();
    await failed();
  });
});

/** A Nest application without clients, as the primary's. */
async function startShop({ key, openCarrier }: Pick<Fleet, 'key' | 'openCarrier'>) {
  const app = await Test.createTestingModule({
    imports: [CarrierModule.forRoot(openCarrier, { key }), EmitterModule.forRoot({ key })],
    providers: [ShopService],
  }).compile();
  onTestFinished(() => app.close());
  return { app, shop: app.get(ShopService) };
}
