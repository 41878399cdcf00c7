import { z } from 'zod';

const slot = z.int({ error: 'a slot: a whole number from 1' }).min(1).max(1_000_000);

/** What can be asked over the control socket: one line of JSON, answered by one line of JSON. */
export const controlRequestSchema = z.discriminatedUnion(
  'command',
  [
    z.object({ command: z.literal('status') }),
    z.object({ command: z.literal('scale'), workers: z.int().min(1).max(1024) }),
    z.object({ command: z.literal('reload') }),
    z.object({ command: z.literal('restart'), slot }),
    z.object({ command: z.literal('drain'), slot }),
    z.object({ command: z.literal('stop') }),
    z.object({ command: z.literal('leader') }),
    z.object({ command: z.literal('jobs') }),
    z.object({
      command: z.literal('run-job'),
      name: z.string({ error: 'the name of a job' }).min(1).max(256),
    }),
    z.object({ command: z.literal('release-lease') }),
    z.object({
      command: z.literal('log-level'),
      level: z.enum(['fatal', 'error', 'warn', 'log', 'debug', 'verbose']),
    }),
  ],
  {
    error:
      'expected a command: status, scale, reload, restart, drain, stop, leader, jobs, run-job, release-lease or log-level',
  },
);

export type ControlRequest = z.infer<typeof controlRequestSchema>;

export type ControlAnswer =
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly error: { readonly code: string; readonly message: string } };

/** The longest line that a request may be, in bytes. */
export const longestRequestBytes = 4_096;
