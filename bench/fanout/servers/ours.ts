import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import { Module } from '@nestjs/common';
import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { Socket } from 'socket.io';
import { RedisCarrier } from '../../../src/carrier/redis.carrier.js';
import { readConfig } from '../../../src/config.js';
import { BeatReceiver } from '../../../src/heartbeat/beat-receiver.js';
import { ProcessLogger } from '../../../src/logger.js';
import { serve } from '../../../src/serve.js';
import { ServingModule } from '../../../src/serving.module.js';

@WebSocketGateway()
class RoomsGateway {
  @SubscribeMessage('join')
  async join(@ConnectedSocket() client: Socket, @MessageBody() rooms: string[]): Promise<true> {
    await client.join(rooms);
    return true;
  }
}

@Module({ providers: [RoomsGateway] })
class RoomsModule {}

/** A Nest application with one gateway, served as a worker of this program serves it. */
export async function start(redisUrl: string): Promise<number> {
  const config = readConfig({ REDIS_URL: redisUrl, PORT: '0', HOST: '127.0.0.1', LOG_LEVEL: 'warn' });
  const carrier = new RedisCarrier({ url: redisUrl });
  await carrier.connect(config.redisConnectTimeoutMs);
  const module = ServingModule.forRoot(RoomsModule, config, carrier);
  const beats = new BeatReceiver(config.heartbeatIntervalMs);
  const { app } = await serve(module, config, new ProcessLogger('bench', config), beats);
  return (app.getHttpServer().address() as AddressInfo).port;
}
