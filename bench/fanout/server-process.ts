import { type ContestantName, contestants } from './contestants.js';

export type ServerNews =
  | { readonly type: 'listening'; readonly port: number }
  /** User and system, since the process began, in milliseconds. */
  | { readonly type: 'cpu'; readonly ms: number };

const [name, redisUrl] = process.argv.slice(2) as [ContestantName, string];
tell({ type: 'listening', port: await contestants[name].start(redisUrl) });
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  tell({ type: 'cpu', ms: (user + system) / 1_000 });
});
process.on('disconnect', () => process.exit());
// So that a profile which Node was asked for is written.
process.on('SIGTERM', () => process.exit());

function tell(news: ServerNews): void {
  process.send!(news);
}
