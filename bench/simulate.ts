/**
 * `npm run simulate`: would the Foreman stand a release day? Its own code, under a clock of its own. The two parts run beside
 * each other in processes of their own, since each takes over the time of its process.
 */
import './simulation/worker-runtime.ts';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import type { Figures } from './simulation/figures.ts';
import { HELP, type PartName, parseOptions, type SimulateOptions } from './simulation/options.ts';
import { printTable } from './simulation/table.ts';

const PARTS: readonly PartName[] = ['rush', 'day'];

async function main(args: readonly string[]): Promise<number> {
  const options = parseOptions(args);
  if (options === null) {
    process.stdout.write(HELP);
    return 0;
  }
  const { only } = options;
  const parts =
    only === null
      ? await Promise.all(PARTS.map(async (name) => ({ name, figures: await inProcess(name, args) })))
      : [{ name: only, figures: await simulate(only, options) }];
  const lines: string[] = [];
  const broken = printTable(parts, (line) => lines.push(line));
  console.log(
    options.isJson
      ? JSON.stringify({ parts: Object.fromEntries(parts.map(({ name, figures }) => [name, figures])), broken })
      : lines.join('\n'),
  );
  for (const sentence of broken) console.error(`simulate: ${sentence}`);
  return broken.length === 0 ? 0 : 1;
}

async function simulate(name: PartName, options: SimulateOptions): Promise<Figures> {
  // Not before: they load the Foreman, which only the process that runs it needs.
  const { simulateDay } = await import('./simulation/release-day.ts');
  const { figuresOf } = await import('./simulation/figures.ts');
  const { seed, isTimed } = options;
  const size =
    name === 'rush'
      ? { scale: options.rushScale, minutes: options.rushSeconds / 60 }
      : { scale: options.scale, minutes: options.minutes };
  const day = await simulateDay({ seed, isTimed, ...size, onProgress: (line) => console.error(`${name}: ${line}`) });
  const slowest = [...day.statements].sort(([, one], [, other]) => other.ms - one.ms).slice(0, 15);
  for (const [query, { n, ms }] of slowest)
    console.error(`${name}: ${ms.toFixed(0)} ms, ${n} times: ${query.replace(/\s+/g, ' ').slice(0, 160)}`);
  return figuresOf(day);
}

/** @throws Error where the process failed; a figure that is not as it should be is no failure */
async function inProcess(name: PartName, args: readonly string[]): Promise<Figures> {
  const child = spawn(process.execPath, [import.meta.filename, ...args, '--only', name, '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [output] = await Promise.all([text(child.stdout), once(child, 'close')]);
  const figures = output === '' ? undefined : (JSON.parse(output).parts as Record<string, Figures>)[name];
  if (!figures) throw new Error(`${name}: expected figures, got none (status ${child.exitCode})`);
  return figures;
}

main(process.argv.slice(2)).then(
  (status) => {
    process.exitCode = status;
  },
  (error: unknown) => {
    console.error(`simulate: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 2;
  },
);
