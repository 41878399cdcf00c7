import { eventually } from './eventually.js';
import { openNotifySocket } from './notify-socket.js';

export interface FakeSystemd {
  /** For NOTIFY_SOCKET. */
  readonly socket: string;
  /** What it was told so far, one notification each. */
  readonly told: readonly string[];
  /** Resolves once it was told `what` at least `times` times. */
  hears(what: string, times?: number): Promise<void>;
  count(what: string): number;
}

/** Listens where systemd would, and remembers. */
export async function startFakeSystemd(): Promise<FakeSystemd> {
  const notifications = await openNotifySocket();
  const told: string[] = [];
  const listen = async (): Promise<never> => {
    for (;;) told.push(await notifications.next());
  };
  // It ends with the test.
  listen().catch(() => {});
  const count = (what: string): number => told.filter((line) => line.split(' ').includes(what)).length;
  return {
    socket: notifications.path,
    told,
    count,
    hears: async (what, times = 1) => {
      await eventually(
        () => told,
        () => count(what) >= times,
      );
    },
  };
}
