import { Test } from '@nestjs/testing';
import { decode } from 'notepack.io';
import { describe, expect, it } from 'vitest';
import { Carrier } from '../../src/carrier.js';
import { CarrierModule } from '../../src/carrier/carrier.module.js';
import { EmitterModule } from '../../src/emitter/emitter.module.js';
import { NotificationsController } from '../../src/gateways/notifications.controller.js';
import { RecordingCarrier } from '../support/recording-carrier.js';

describe('the notifications controller', () => {
  it('publishes to the user’s room in the namespace of the notifications', async () => {
    const { controller, published } = await createController();

    controller.notify('ada', { title: 'hello', body: 'from the test' });

    expect(published()).toEqual([
      {
        channel: 'team-a#/notifications#user:ada#',
        event: ['notification', { title: 'hello', body: 'from the test' }],
        namespace: '/notifications',
        rooms: ['user:ada'],
      },
    ]);
  });

  it('publishes once for each call, and mixes up no users', async () => {
    const { controller, published } = await createController();

    controller.notify('ada', { title: 'one' });
    controller.notify('bob', { title: 'two' });

    expect(published().map(({ rooms, event }) => [rooms, event])).toEqual([
      [['user:ada'], ['notification', { title: 'one' }]],
      [['user:bob'], ['notification', { title: 'two' }]],
    ]);
  });
});

interface WirePacket {
  readonly data: unknown[];
  readonly nsp: string;
}

/** The controller with the real emitter, over a carrier that keeps what it is given. */
async function createController() {
  const carrier = new RecordingCarrier();
  const module = await Test.createTestingModule({
    imports: [CarrierModule.forRoot(() => carrier, { key: 'team-a' }), EmitterModule.forRoot({ key: 'team-a' })],
    controllers: [NotificationsController],
  }).compile();
  const published = () =>
    carrier.published.map(({ channel, message }) => {
      const [, packet, { rooms }] = decode(message) as [string, WirePacket, { rooms: string[] }];
      return { channel, event: packet.data, namespace: packet.nsp, rooms };
    });
  return { controller: module.get(NotificationsController), carrier: module.get(Carrier), published };
}
