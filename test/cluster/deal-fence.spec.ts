import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { answerLastDealt, lastDealt } from '../../src/cluster/deal-fence.js';
import type { IpcEnd } from '../../src/ipc.js';

describe('lastDealt', () => {
  it('resolves once the primary has answered, and not before', async () => {
    const channel = new Channel();
    const events: string[] = [];
    const asked = lastDealt(channel.worker).then(() => events.push('resolved'));
    await turns();
    events.push('answered');
    answerLastDealt(channel.primary);

    channel.deliver();
    await asked;

    expect(events).toEqual(['answered', 'resolved']);
  });

  it('waits for nobody where there is no primary any more', async () => {
    const channel = new Channel();
    channel.worker.connected = false;

    await expect(lastDealt(channel.worker)).resolves.toBeUndefined();
  });
});

/** Both ends of an IPC channel whose messages to the primary wait until they are delivered. */
class Channel {
  readonly primary: End;
  readonly worker: End;
  private readonly waiting: unknown[] = [];

  constructor() {
    this.primary = new End((message) => void this.worker.emit('message', message));
    this.worker = new End((message) => void this.waiting.push(message));
  }

  deliver(): void {
    for (const message of this.waiting.splice(0)) this.primary.emit('message', message);
  }
}

class End extends EventEmitter implements IpcEnd {
  connected = true;

  constructor(private readonly carry: (message: unknown) => void) {
    super();
  }

  send(message: unknown, _handle: undefined, _options: undefined, done: (error: Error | null) => void): boolean {
    this.carry(message);
    process.nextTick(done, null);
    return true;
  }
}

async function turns(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
