import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { declarationsOf, type FleetJobDeclaration } from './decorators.js';
import { JobInvalidError } from './errors.js';
import { FleetJobs, type FleetMethod } from './fleet-jobs.js';

interface DeclaredJob {
  readonly name: string;
  readonly declaration: FleetJobDeclaration;
  readonly instance: object;
  readonly key: string;
  /** Whether there is one instance for the whole application. */
  readonly isSingle: boolean;
}

/** Finds the methods that `@FleetInterval` and `@FleetCron` mark. */
@Injectable()
export class JobExplorer implements OnModuleInit {
  constructor(
    @Inject(DiscoveryService) private readonly discovery: DiscoveryService,
    @Inject(MetadataScanner) private readonly scanner: MetadataScanner,
    @Inject(FleetJobs) private readonly jobs: FleetJobs,
  ) {}

  /**
   * @throws JobInvalidError when a schedule is wrong, or there is more than one instance of the provider.
   * @throws JobNameTakenError
   */
  onModuleInit(): void {
    for (const { name, declaration, instance, key, isSingle } of declaredJobs(this.discovery, this.scanner)) {
      if (!isSingle) throw new JobInvalidError(name, 'a provider of which there is one instance');
      const method = (instance as Record<string, FleetMethod>)[key]!;
      this.jobs.addJob(name, declaration, declaration.options, method.bind(instance));
    }
  }
}

/** Every job of an application; under several names a provider counts once. */
export function declaredJobs(discovery: DiscoveryService, scanner: MetadataScanner): DeclaredJob[] {
  const jobs: DeclaredJob[] = [];
  const seen = new Set<object>();
  for (const wrapper of [...discovery.getProviders(), ...discovery.getControllers()]) {
    const instance = wrapper.instance as object | undefined;
    if (typeof instance !== 'object' || instance === null || seen.has(instance)) continue;
    seen.add(instance);
    const isSingle = wrapper.isDependencyTreeStatic() && !wrapper.isTransient;
    for (const key of scanner.getAllMethodNames(Object.getPrototypeOf(instance) as object)) {
      const declared = declarationsOf(ownerOf(instance, key), key);
      declared.forEach((declaration, index) => {
        const ownName = `${String(wrapper.name)}.${key}${index === 0 ? '' : ` (${index + 1})`}`;
        jobs.push({ name: declaration.options.name ?? ownName, declaration, instance, key, isSingle });
      });
    }
  }
  return jobs;
}

/** The prototype that has the method, so that what overrides a job is none by itself. */
function ownerOf(instance: object, key: string): object {
  let owner = Object.getPrototypeOf(instance) as object;
  while (!Object.hasOwn(owner, key)) owner = Object.getPrototypeOf(owner) as object;
  return owner;
}
