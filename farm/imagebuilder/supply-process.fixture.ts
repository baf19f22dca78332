/**
 * A node's supply in a process of its own, that can be killed before any one step of its work on the disk. Prints as JSON
 * what it did and what is left, or dies without a word.
 */
import fs from 'node:fs';
import { readdir } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';

export interface SupplyTask {
  readonly state: string;
  readonly key: string;
  readonly work: 'provide' | 'remove';
  readonly source: { readonly url: string; readonly sha256: string };
  /** SIGKILL before the step of this number; see `steps`. */
  readonly dieAt?: number;
}

export interface SupplyOutcome {
  /** `done`, or the kind of the error. */
  readonly outcome: string;
  /** What was asked of the file system, in order. */
  readonly steps: readonly string[];
  readonly downloads: readonly string[];
  readonly imageBuilders: readonly string[];
}

const task = JSON.parse(process.argv[2] ?? '') as SupplyTask;
const steps: string[] = [];

function watch(owner: Record<string, unknown>, names: readonly string[], suffix = ''): void {
  for (const name of names) {
    const original = owner[name] as (...args: unknown[]) => unknown;
    owner[name] = (...args: unknown[]) => {
      if (steps.length === task.dieAt) process.kill(process.pid, 'SIGKILL');
      steps.push(`${name}${suffix} ${path.basename(String(args[0]))}`);
      return original(...args);
    };
  }
}

watch(fs.promises as unknown as Record<string, unknown>, ['rename', 'rm', 'mkdir', 'open', 'writeFile'], ' soon');
watch(fs as unknown as Record<string, unknown>, ['renameSync', 'rmSync', 'mkdirSync', 'writeSync', 'symlinkSync']);
syncBuiltinESMExports();
const { supplyIn, trustIn, listener } = await import('./supply.fixture.ts');

const { supply, shelf } = supplyIn(task.state, trustIn(task.key));
const work = async () => {
  if (task.work === 'remove') return await shelf.remove(task.source.sha256);
  (await supply.provide(task.source, listener()))[Symbol.dispose]();
};
const outcome = await work().then(
  () => 'done',
  (error) => error.kind ?? String(error),
);
const list = async (below: string) => (await readdir(path.join(task.state, below)).catch(() => [])).sort();
const ended: SupplyOutcome = {
  outcome,
  steps,
  downloads: await list('downloads'),
  imageBuilders: await list('imagebuilders'),
};
console.log(JSON.stringify(ended));
