import { randomUUID } from 'node:crypto';
import { onTestFinished } from 'vitest';
import type { Carrier } from '../../src/carrier.js';
import { EmbeddedCarrier } from '../../src/carrier/embedded.carrier.js';
import type { HubLink } from '../../src/carrier/embedded.protocol.js';
import { EmbeddedHub } from '../../src/carrier/embedded-hub.js';
import { FallbackCarrier } from '../../src/carrier/fallback.carrier.js';
import { localLink } from '../../src/carrier/local-link.js';
import { RedisCarrier, type RedisOutageOptions } from '../../src/carrier/redis.carrier.js';

/** What the processes of one host share. */
export interface TestHost {
  readonly name: string;
  /** The carrier of one more process. It ends with the test. */
  open(url: string, options?: RedisOutageOptions): Promise<TestProcess>;
}

export interface TestProcess {
  readonly carrier: FallbackCarrier;
  /** Its way to other hosts. */
  readonly redis: RedisCarrier;
  /** How many messages it has given to the others of its host directly. */
  readonly saidHere: () => number;
}

/** @param lagMs how long what one process says is on its way to the hub, and again from there. */
export function testHost(lagMs = 0): TestHost {
  const hub = new EmbeddedHub();
  const name = randomUUID();
  return {
    name,
    async open(url, options = {}) {
      const link = localLink();
      hub.attach(lagMs > 0 ? lagging(link.hub, lagMs) : link.hub);
      let saidHere = 0;
      const embedded = new EmbeddedCarrier(link.process);
      const counted: Carrier = Object.assign(Object.create(embedded) as Carrier, {
        publish: (channel: string, message: Buffer) => {
          saidHere++;
          embedded.publish(channel, message);
        },
      });
      const redis = new RedisCarrier({ url, key: 'test', ...options });
      const carrier = new FallbackCarrier(redis, counted, { host: name, key: 'test' });
      onTestFinished(() => carrier.close());
      await redis.connect(1_000).catch(() => {});
      return { carrier, redis, saidHere: () => saidHere };
    },
  };
}

function lagging(link: HubLink, lagMs: number): HubLink {
  return {
    send: (batch, sent) => void setTimeout(() => link.send(batch, sent), lagMs),
    listen: (listener) => link.listen((batch) => void setTimeout(() => listener(batch), lagMs)),
  };
}
