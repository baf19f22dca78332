/** The page's table: each row beside its limit, or beside the page of one word in the same run. */
import os from 'node:os';
import { median } from '../median.ts';
import { quantile } from '../quantile.ts';
import { MANY_DEVICES } from './many-devices.ts';
import type { Visit } from './visits.ts';

export interface PageFigures {
  readonly visits: Readonly<Record<'hello' | 'cold' | 'warm', readonly Visit[]>>;
  /** Milliseconds from each key to what it changed. */
  readonly keys: readonly number[];
  readonly scripts: number;
  readonly rounds: number;
}

const LIMITS = { scripts: 80_000, keyMs: 100 } as const;

const ms = (value: number): string => `${value.toFixed(0)} ms`;
const kB = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`;

export function printPageReport({ visits: { hello, cold, warm }, keys, scripts, rounds }: PageFigures): void {
  const row = (cells: readonly string[]): void =>
    console.log(cells.map((cell, at) => (at === 0 ? cell.padEnd(44) : cell.padStart(13))).join(''));
  const times = (name: string, of: readonly Visit[], pick: (visit: Visit) => number): void => {
    const [ours, least] = [of.map(pick), median(hello.map(pick))];
    const ratio = of === hello ? '' : `${(median(ours) / least).toFixed(1)} ×`;
    row([name, ms(median(ours)), ms(Math.min(...ours)), ms(Math.max(...ours)), ratio]);
  };
  const bytes = (name: string, of: readonly Visit[]): void => row([name, kB(median(of.map((visit) => visit.bytes)))]);
  const limited = (name: string, value: number, limit: number, text: (value: number) => string): void =>
    row([name, text(value), '', '', `limit ${text(limit)}`, value <= limit ? 'kept' : 'MISSED']);
  console.log();
  row(['', 'median', 'lowest', 'highest', 'beside']);
  times('a page of one word: painted', hello, ({ firstPaintMs }) => firstPaintMs);
  times('the builder, first visit: painted', cold, ({ firstPaintMs }) => firstPaintMs);
  times(`  ${MANY_DEVICES} devices may be searched`, cold, ({ readyMs }) => readyMs);
  times('the builder, once more: painted', warm, ({ firstPaintMs }) => firstPaintMs);
  times(`  ${MANY_DEVICES} devices may be searched`, warm, ({ readyMs }) => readyMs);
  bytes('bytes of the first visit, not compressed', cold);
  bytes('bytes once more', warm);
  limited('a key until the list is painted, median', median(keys), LIMITS.keyMs, ms);
  limited('  99 of 100', quantile(keys, 0.99), LIMITS.keyMs, ms);
  limited('script of the builder, gzip', scripts, LIMITS.scripts, kB);
  const load = (os.loadavg()[0] ?? 0).toFixed(1);
  console.log(`\n${rounds} rounds, ${keys.length} keys, ${os.availableParallelism()} cores, load average ${load}`);
}
