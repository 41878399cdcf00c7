import type { FleetControl } from '../fleet-status.js';
import type { ControlHandler } from './control-server.js';
import type { ClusterStatus } from './status.js';
import type { Supervisor } from './supervisor.js';

export interface ControlTargets {
  readonly supervisor: Supervisor;
  readonly fleet: FleetControl;
  /** What `status` says beside what the supervisor knows. */
  readonly place: Pick<ClusterStatus, 'host' | 'port' | 'listen'>;
  /** Replaces all workers, as SIGHUP does. */
  readonly reload: () => Promise<void>;
  /** Ends the program, as SIGTERM does. */
  readonly stop: () => void;
  readonly setLogLevel: (level: string) => void;
}

/** What each command of the control socket does. Those that replace or drain answer when it is over. */
export function controlCommands({
  supervisor,
  fleet,
  place,
  reload,
  stop,
  setLogLevel,
}: ControlTargets): ControlHandler {
  const status = (): ClusterStatus => ({
    primary: { pid: process.pid },
    ...place,
    wanted: supervisor.wanted,
    degraded: supervisor.degraded,
    workers: supervisor.workers,
    exits: supervisor.exits,
    fleet: fleet.status(),
  });
  return async (request) => {
    switch (request.command) {
      case 'status':
        return status();
      case 'scale':
        await supervisor.scale(request.workers);
        return status();
      case 'reload':
        await reload();
        return status();
      case 'restart':
        await supervisor.restart(request.slot);
        return status();
      case 'drain':
        await supervisor.drain(request.slot);
        return status();
      case 'leader':
        return fleet.status().leader;
      case 'jobs':
        return await fleet.jobs();
      case 'run-job':
        return await fleet.runJob(request.name);
      case 'release-lease':
        return await fleet.releaseLease();
      case 'log-level':
        setLogLevel(request.level);
        return { level: request.level };
      case 'stop':
        // The answer first: the socket ends with the program.
        setImmediate(stop);
        return { stopping: true };
    }
  };
}
