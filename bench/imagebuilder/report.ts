/** The table of one era and one distance to the mirror, and the ratios that it is for. */
import { MIB } from '../../shared/text/byte-size.ts';
import { median } from '../median.ts';
import type { NodeBuild } from './node-builds.ts';

export interface Figures {
  readonly cold: NodeBuild[];
  readonly warm: NodeBuild[];
  /** Seconds, as all that follow. */
  readonly bare: number[];
  readonly sequence: number[];
  readonly warmAtOnce: number[];
  readonly bareAtOnce: number[];
}

/** Of one build, beyond what bare make takes: the fence, the overlay, collecting and digests. */
const ALLOWED = { factor: 1.1, seconds: 0.3 };

export function printFigures(title: string, figures: Figures, parallel: number): void {
  const [bare, sequence] = [median(figures.bare), median(figures.sequence)];
  const warm = median(figures.warm.map(({ seconds }) => seconds));
  const atOnce = { warm: median(figures.warmAtOnce), bare: median(figures.bareAtOnce) };
  const rows: [string, string][] = [
    ['bare make image', seconds(bare)],
    ['info, manifest, image', seconds(sequence)],
    ['node, cold', `${seconds(median(figures.cold.map((build) => build.seconds)))}  ${steps(figures.cold)}`],
    ['node, warm', `${seconds(warm)}  ${steps(figures.warm)}`],
    [`bare ×${parallel} at once`, seconds(atOnce.bare)],
    [`node ×${parallel} at once`, seconds(atOnce.warm)],
  ];
  console.log(`\n${title}`);
  for (const [name, text] of rows) console.log(`  ${name.padEnd(24)}${text}`);
  const limit = ALLOWED.factor * bare + ALLOWED.seconds;
  console.log(
    `  warm / bare ${(warm / bare).toFixed(2)} (limit ${seconds(limit)}: ${warm <= limit ? 'kept' : 'MISSED'})`,
  );
  console.log(`  warm / sequence ${(warm / sequence).toFixed(2)}`);
  console.log(`  bare / node, ×${parallel} at once ${(atOnce.bare / atOnce.warm).toFixed(2)} (aim 0.95)`);
  console.log(
    `  of a warm build at most ${largest(figures.warm, 'memoryBytes')} MiB of memory, ${largest(figures.warm, 'diskBytes')} MiB of disk`,
  );
}

/** Median seconds of each step that took more than a moment. */
function steps(builds: readonly NodeBuild[]): string {
  const names = [...(builds[0]?.secondsOfStep.keys() ?? [])];
  return names
    .map((name) => [name, median(builds.map(({ secondsOfStep }) => secondsOfStep.get(name) ?? 0))] as const)
    .filter(([, value]) => value >= 0.005)
    .map(([name, value]) => `${name} ${value.toFixed(2)}`)
    .join(', ');
}

const largest = (builds: readonly NodeBuild[], what: 'memoryBytes' | 'diskBytes'): string =>
  (Math.max(...builds.map((build) => build[what])) / MIB).toFixed(0);

const seconds = (value: number): string => `${value.toFixed(2)} s`;
