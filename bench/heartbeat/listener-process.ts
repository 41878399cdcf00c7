import { WebSocket } from 'ws';

/** What the bench tells its listeners, and what it hears of them. */
export type ListenerCommand =
  { readonly type: 'connect'; readonly url: string; readonly clients: number } | { readonly type: 'begin' | 'end' };
export type ListenerNews =
  | { readonly type: 'connected' }
  | { readonly type: 'begun' }
  | { readonly type: 'ended'; readonly latencies: readonly number[]; readonly others: number };

const atATime = 50;
const beatStart = '42["heartbeat",';

let latencies: number[] = [];
let others = 0;

process.on('message', (command: ListenerCommand) => {
  if (command.type === 'connect') {
    void connectAll(command.url, command.clients).then(() => tell({ type: 'connected' }));
    return;
  }
  if (command.type === 'end') tell({ type: 'ended', latencies, others });
  latencies = [];
  others = 0;
  if (command.type === 'begin') tell({ type: 'begun' });
});
process.on('disconnect', () => process.exit());

async function connectAll(url: string, clients: number): Promise<void> {
  for (let connected = 0; connected < clients; connected += atATime) {
    await Promise.all(Array.from({ length: Math.min(atATime, clients - connected) }, () => connect(url)));
  }
}

/** A client of a few lines, so that a thousand of them take less time than the servers that are measured. */
function connect(url: string): Promise<void> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`);
  return new Promise((resolve, reject) => {
    let last = 0;
    socket.on('error', reject);
    socket.on('message', (data: Buffer) => {
      const text = data.toString('latin1');
      if (text.startsWith(beatStart)) {
        const [{ sequence, sentAt }] = JSON.parse(`[${text.slice(beatStart.length)}`) as [
          { sequence: number; sentAt: number },
        ];
        latencies.push(performance.timeOrigin + performance.now() - sentAt);
        if (last !== 0 && sequence !== last + 1) throw new Error(`After the beat ${last} came ${sequence}.`);
        last = sequence;
      } else if (text === '2') socket.send('3');
      else if (text.startsWith('0')) socket.send('40');
      else if (text.startsWith('40')) resolve();
      else others++;
    });
  });
}

function tell(news: ListenerNews): void {
  process.send!(news);
}
