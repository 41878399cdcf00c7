export { RedisIoAdapter, type RedisIoAdapterOptions } from './redis-io.adapter.js';
export { type ConnectionGuard, UseConnectionGuards } from './adapter/binding/connection-guards.js';
export type { Fault } from './adapter/binding/fault-log.js';
export { Carrier, type CarrierHealth, type MessageListener } from './carrier.js';
export { CarrierModule } from './carrier/carrier.module.js';
export { EmbeddedCarrier } from './carrier/embedded.carrier.js';
export { EmbeddedHub } from './carrier/embedded-hub.js';
export { FallbackCarrier, type FallbackOptions, type RemoteCarrier } from './carrier/fallback.carrier.js';
export { ipcLink } from './carrier/ipc-link.js';
export { localLink } from './carrier/local-link.js';
export { RedisCarrier, type RedisCarrierOptions } from './carrier/redis.carrier.js';
export { SignedCarrier } from './carrier/signed.carrier.js';
export { ShardedCarrier } from './carrier/sharded.carrier.js';
export { type Config, readConfig } from './config.js';
export { ClusterEmitter, type EmitterOptions } from './emitter/cluster-emitter.js';
export { EmitterModule } from './emitter/emitter.module.js';
export {
  ClusterIoError,
  ConfigError,
  GatewayOptionsConflictError,
  MissingAnswersError,
  PortTakenError,
  PrefixUnsupportedError,
  ProviderMissingError,
  RedisUnreachableError,
  SetupTooLateError,
} from './errors.js';
export type { FencedMessage, Fencing } from './fenced-message.js';
export { FleetClock } from './fleet-clock.js';
export { type FleetJobOptions, type FleetRun, FleetSchedule, type Pulse } from './fleet-schedule.js';
export type { FleetControl, FleetStatus, JobRun, JobStatus, LeaderStatus } from './fleet-status.js';
export { FleetCron, type FleetCronOptions, FleetInterval } from './fleet/decorators.js';
export { FleetDesk } from './fleet/fleet-desk.js';
export { FleetModule } from './fleet/fleet.module.js';
export type { FleetOptions } from './fleet/fleet.options.js';
export { Leadership } from './leadership.js';
export type { Term } from './term.js';
export { BeatReceiver, type LocalClients } from './heartbeat/beat-receiver.js';
export { BeatRelay } from './heartbeat/beat-relay.js';
export { HeartbeatModule } from './heartbeat/heartbeat.module.js';
export type { HeartbeatOptions } from './heartbeat/heartbeat.options.js';
export { Publisher, type PublisherOptions } from './publisher.js';
export type { RedisAccess, RedisTls } from './redis-address.js';
export { type Refusal, toRefusal, type WrongField } from './refusal.js';
export { CLUSTER_IO_OPTIONS, type ClusterIoOptions, setupClusterIo } from './setup-cluster-io.js';
export { SlowClients, type SlowClientFigures, type SlowClientPolicy, type SlowClientsOptions } from './slow-clients.js';
export { type EventMap, subscribeTo } from './subscribe-to.js';
export { WorkerIdentity } from './identity.js';
