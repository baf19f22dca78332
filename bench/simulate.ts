/**
 * `npm run simulate`: would the Foreman stand a release day? Its own code, under a clock of its own. And with `--liars`: whose images
 * would be flashed on it? The parts run beside each other in processes of their own, since each takes over the time of its process.
 */
import './simulation/worker-runtime.ts';
import { PLAYS, type PlayName } from './simulation/cast.ts';
import type { Figures } from './simulation/figures.ts';
import { inProcess } from './simulation/in-process.ts';
import { HELP, type PartName, parseOptions, type SimulateOptions } from './simulation/options.ts';
import type { Day, DayOptions } from './simulation/release-day.ts';
import { printTable } from './simulation/table.ts';
import type { TrustFigures } from './simulation/trust-figures.ts';
import { printTrustTable } from './simulation/trust-table.ts';

type Print = (line: string) => void;
interface Part<Name extends string, Told> {
  readonly name: Name;
  readonly figures: Told;
}

async function main(args: readonly string[]): Promise<number> {
  const options = parseOptions(args);
  if (options === null) {
    process.stdout.write(HELP);
    return 0;
  }
  const lines: string[] = [];
  const print: Print = (line) => lines.push(line);
  const { parts, broken } = hasPlays(options)
    ? await table(playsOf(options), args, options, play, printTrustTable, print)
    : await table(['rush', 'day'] as const, args, options, simulate, printTable, print);
  console.log(
    options.isJson
      ? JSON.stringify({ parts: Object.fromEntries(parts.map(({ name, figures }) => [name, figures])), broken })
      : lines.join('\n'),
  );
  for (const sentence of broken) console.error(`simulate: ${sentence}`);
  return broken.length === 0 ? 0 : 1;
}

const isPlay = (name: PartName | null): name is PlayName => (PLAYS as readonly (PartName | null)[]).includes(name);
const hasPlays = ({ only, withLiars }: SimulateOptions): boolean => isPlay(only) || (only === null && withLiars);
const playsOf = ({ withPatient }: SimulateOptions): readonly PlayName[] =>
  PLAYS.filter((name) => name !== 'patient' || withPatient);

/** All of these parts, or the one that was asked for in this very process. */
async function table<Name extends PartName, Told>(
  names: readonly Name[],
  args: readonly string[],
  options: SimulateOptions,
  run: (name: Name, options: SimulateOptions) => Promise<Told>,
  printParts: (parts: readonly Part<Name, Told>[], print: Print) => string[],
  print: Print,
): Promise<{ readonly parts: readonly Part<Name, Told>[]; readonly broken: readonly string[] }> {
  const { only } = options;
  const parts =
    only === null
      ? await Promise.all(
          names.map(async (name) => ({ name, figures: await inProcess<Told>(import.meta.filename, args, name) })),
        )
      : [{ name: only as Name, figures: await run(only as Name, options) }];
  return { parts, broken: printParts(parts, print) };
}

async function simulate(name: 'rush' | 'day', options: SimulateOptions): Promise<Figures> {
  const { figuresOf } = await import('./simulation/figures.ts');
  const size =
    name === 'rush'
      ? { scale: options.rushScale, minutes: options.rushSeconds / 60 }
      : { scale: options.scale, minutes: options.minutes };
  return figuresOf(await day(name, options, size));
}

async function play(name: PlayName, options: SimulateOptions): Promise<TrustFigures> {
  const { playOf } = await import('./simulation/play-of.ts');
  const { trustFiguresOf } = await import('./simulation/trust-figures.ts');
  const { nodes, liarMinutes: minutes } = options;
  // A volunteer's machine has one slot, and a result takes three: a farm of them serves fewer clients than one of servers.
  const size = { scale: nodes / 20_000, minutes, play: playOf(name, nodes) };
  return trustFiguresOf(await day(name, options, size));
}

async function day(
  name: PartName,
  { seed, isTimed }: SimulateOptions,
  size: Pick<DayOptions, 'scale' | 'minutes' | 'play'>,
): Promise<Day> {
  // Not before: it loads the Foreman, which only the process that runs it needs.
  const { simulateDay } = await import('./simulation/release-day.ts');
  const simulated = await simulateDay({
    seed,
    isTimed,
    ...size,
    onProgress: (line) => console.error(`${name}: ${line}`),
  });
  const slowest = [...simulated.statements].sort(([, one], [, other]) => other.ms - one.ms).slice(0, 15);
  for (const [query, { n, ms }] of slowest)
    console.error(`${name}: ${ms.toFixed(0)} ms, ${n} times: ${query.replace(/\s+/g, ' ').slice(0, 160)}`);
  return simulated;
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
