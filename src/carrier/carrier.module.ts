import { type DynamicModule, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { Carrier } from '../carrier.js';
import { Publisher, type PublisherOptions } from '../publisher.js';

/**
 * The process's one carrier, for everything in it that publishes or subscribes.
 *
 * It opens the carrier and closes it, as the last thing that an ending application does.
 */
@Module({})
export class CarrierModule implements OnApplicationShutdown {
  static forRoot(open: () => Carrier | Promise<Carrier>, options: PublisherOptions): DynamicModule {
    return {
      module: CarrierModule,
      global: true,
      providers: [
        { provide: Carrier, useFactory: open },
        {
          provide: Publisher,
          useFactory: (carrier: Carrier) => new Publisher(carrier, options),
          inject: [Carrier],
        },
      ],
      exports: [Carrier, Publisher],
    };
  }

  constructor(@Inject(Carrier) private readonly carrier: Carrier) {}

  async onApplicationShutdown(): Promise<void> {
    await this.carrier.close();
  }
}
