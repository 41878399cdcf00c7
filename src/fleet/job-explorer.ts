import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core';
import { FLEET_JOB, type FleetJobDeclaration } from './decorators.js';
import { JobInvalidError } from './errors.js';
import { FleetJobs, type FleetMethod } from './fleet-jobs.js';

/** Finds the methods that `@FleetInterval` and `@FleetCron` mark. */
@Injectable()
export class JobExplorer implements OnModuleInit {
  constructor(
    @Inject(DiscoveryService) private readonly discovery: DiscoveryService,
    @Inject(MetadataScanner) private readonly scanner: MetadataScanner,
    @Inject(Reflector) private readonly reflector: Reflector,
    @Inject(FleetJobs) private readonly jobs: FleetJobs,
  ) {}

  /**
   * @throws JobInvalidError when a schedule is wrong, or the provider is made anew for each request.
   * @throws JobNameTakenError
   */
  onModuleInit(): void {
    for (const wrapper of [...this.discovery.getProviders(), ...this.discovery.getControllers()]) {
      const prototype: unknown = wrapper.metatype?.prototype;
      // What a factory or a value provides has the class that its instance has.
      const methods = (wrapper.instance ? Object.getPrototypeOf(wrapper.instance) : prototype) as object | undefined;
      if (!methods) continue;
      for (const key of this.scanner.getAllMethodNames(methods)) {
        const method = (methods as Record<string, FleetMethod>)[key]!;
        const declared = this.reflector.get<FleetJobDeclaration | undefined>(FLEET_JOB, method);
        if (!declared) continue;
        const name = declared.options.name ?? `${String(wrapper.name)}.${key}`;
        if (!wrapper.isDependencyTreeStatic())
          throw new JobInvalidError(name, 'a provider of which there is one instance');
        this.jobs.addJob(name, declared, declared.options, method.bind(wrapper.instance));
      }
    }
  }
}
