import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { TaskProcess } from '../../bench/support/task-process.js';
import { temporaryFolder } from '../support/temporary-folder.js';

/** As `offer` would have it, in JavaScript, which Node can run as it is. */
const program = `
process.on('message', ({ number, task, argument }) => {
  if (task === 'double') process.send({ number, result: argument * 2 });
  if (task === 'fail') process.send({ number, error: 'It did not work.' });
  if (task === 'end') process.exit(3);
});
`;

interface DoublingTasks {
  readonly [task: string]: (argument: never) => unknown;
  readonly double: (argument: number) => number;
  readonly fail: () => void;
  readonly end: () => void;
}

describe('a task process', () => {
  it('reports the result of what it was told', async () => {
    const process = start();

    expect(await Promise.all([process.run('double', 2), process.run('double', 3)])).toEqual([4, 6]);
  });

  it('reports what a task has thrown', async () => {
    await expect(start().run('fail')).rejects.toThrow('It did not work.');
  });

  it('fails what it was told when it ends before', async () => {
    await expect(start().run('end')).rejects.toThrow('ended with 3');
  });
});

function start(): TaskProcess<DoublingTasks> {
  const folder = temporaryFolder({ 'program.mjs': program });
  const process = TaskProcess.start<DoublingTasks>(path.join(folder, 'program.mjs'));
  onTestFinished(() => process.stop());
  return process;
}
