import { cp, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { temporaryFolder } from './temporary-folder.js';

/** The built program in a place where a test may change its code. */
export interface ProgramCopy {
  readonly entry: string;
  /** Replaces text in a built file, as a deploy does. */
  deploy(file: string, before: string, after: string): Promise<void>;
}

export async function copyProgram(): Promise<ProgramCopy> {
  const folder = temporaryFolder();
  for (const part of ['dist', 'web', 'package.json']) await cp(part, path.join(folder, part), { recursive: true });
  await symlink(path.resolve('node_modules'), path.join(folder, 'node_modules'));
  return {
    entry: path.join(folder, 'dist/main.cluster.js'),
    deploy: async (file, before, after) => {
      const code = await readFile(path.join(folder, file), 'utf8');
      if (!code.includes(before)) throw new Error(`${file} has no ${before}.`);
      await writeFile(path.join(folder, file), code.replace(before, after));
    },
  };
}
