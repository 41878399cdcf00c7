import { Module } from '@nestjs/common';

/**
 * What must happen once in the whole fleet. Add your providers and modules with `@FleetInterval` and `@FleetCron` here;
 * they live in the primary of each host, and run in one of them.
 */
@Module({})
export class JobsModule {}
