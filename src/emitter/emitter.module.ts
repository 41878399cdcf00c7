import { type DynamicModule, Module } from '@nestjs/common';
import { Emitter } from '@socket.io/redis-emitter';
import { ClusterEmitter, EMITTER_OPTIONS, type EmitterOptions } from './cluster-emitter.js';

/** Offers {@link ClusterEmitter} everywhere, also to those who ask for the official `Emitter`. It needs a `CarrierModule` beside it, which owns the connections. */
@Module({})
export class EmitterModule {
  static forRoot(options: EmitterOptions = {}): DynamicModule {
    return {
      module: EmitterModule,
      global: true,
      providers: [
        ClusterEmitter,
        { provide: Emitter, useExisting: ClusterEmitter },
        { provide: EMITTER_OPTIONS, useValue: options },
      ],
      exports: [ClusterEmitter, Emitter],
    };
  }
}
