/** A part of the simulation in a process of its own, since each takes over the time of its process. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

/**
 * `args`: of `npm run simulate`; it is to print its figures as JSON.
 * @throws Error where the process failed; a figure that is not as it should be is no failure
 */
export async function inProcess<Figures>(main: string, args: readonly string[], name: string): Promise<Figures> {
  const child = spawn(process.execPath, [main, ...args, '--only', name, '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [output] = await Promise.all([text(child.stdout), once(child, 'close')]);
  const figures = output === '' ? undefined : (JSON.parse(output).parts as Record<string, Figures>)[name];
  if (!figures) throw new Error(`${name}: expected figures, got none (status ${child.exitCode})`);
  return figures;
}
