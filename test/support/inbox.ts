import type { Carrier } from '../../src/carrier.js';

/** What has reached a process, in the order in which it came. */
export interface Inbox {
  readonly channels: readonly string[];
  /** The messages of one channel, as text. */
  on(channel: string): string[];
  readonly messages: readonly Buffer[];
  /** Resolves once `holds`, now or after some message. */
  until(holds: () => boolean): Promise<void>;
  /** Resolves once a message of that channel has arrived: the fence of a test. */
  fence(channel: string): Promise<void>;
  /** Hears no more. */
  end(): void;
}

export function inboxOf(carrier: Pick<Carrier, 'onMessage'>): Inbox {
  const channels: string[] = [];
  const messages: Buffer[] = [];
  const waiting = new Set<() => void>();
  const end = carrier.onMessage((channel, message) => {
    channels.push(channel);
    messages.push(message);
    for (const check of waiting) check();
  });
  const until = (holds: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const check = (): void => {
        if (!holds()) return;
        waiting.delete(check);
        resolve();
      };
      waiting.add(check);
      check();
    });
  return {
    channels,
    messages,
    on: (wanted) => messages.filter((_, index) => channels[index] === wanted).map(String),
    until,
    fence: (channel) => until(() => channels.includes(channel)),
    end,
  };
}
