/** What `npm run simulate` can be told. */
import { parseArgs } from 'node:util';
import { PLAYS, type PlayName } from './cast.ts';

export const HELP = `npm run simulate -- [options]

The Foreman's own code under a clock of its own, with a farm and everybody who asks for images around it, in two parts:
the rush, a twentieth of the farm and of the queue for some moments, and the day, all six hours of it on a smaller scale.
Prints a table; ends with 1 where a figure is not as it should be. See docs/simulation.md.

  --seed N             another day of the same kind (7)
  --scale S            of the day: nodes, queue, requests and isolates; 1 takes hours (0.005)
  --minutes N          of the day that are simulated (360)
  --rush-scale S       of the rush (0.05)
  --rush-seconds N     of the rush, behind a minute in which the farm gets to work (60)
  --only PART          one part alone: rush or day
  --liars              three other parts instead: the same day by trusted nodes, by volunteers, and with liars among them
  --patient            a fourth one: liars that behaved for 40 days
  --nodes N            of each of these parts (120)
  --liar-minutes N     of each of these parts (12)
  --json               the figures as JSON
  --statements         which statements took longest, on stderr
  --help               this text
`;

export type PartName = 'rush' | 'day' | PlayName;

const PARTS: readonly PartName[] = ['rush', 'day', ...PLAYS];

export interface SimulateOptions {
  readonly seed: number;
  readonly scale: number;
  readonly minutes: number;
  readonly rushScale: number;
  readonly rushSeconds: number;
  readonly only: PartName | null;
  readonly withLiars: boolean;
  readonly withPatient: boolean;
  readonly nodes: number;
  readonly liarMinutes: number;
  readonly isJson: boolean;
  readonly isTimed: boolean;
}

/** Null: to be shown the help. @throws Error saying what was expected */
export function parseOptions(args: readonly string[]): SimulateOptions | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string', default: '7' },
      scale: { type: 'string', default: '0.005' },
      'rush-scale': { type: 'string', default: '0.05' },
      minutes: { type: 'string', default: '360' },
      'rush-seconds': { type: 'string', default: '60' },
      only: { type: 'string' },
      liars: { type: 'boolean', default: false },
      patient: { type: 'boolean', default: false },
      nodes: { type: 'string', default: '120' },
      'liar-minutes': { type: 'string', default: '12' },
      json: { type: 'boolean', default: false },
      statements: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return null;
  const only = PARTS.find((part) => part === values.only);
  if (values.only !== undefined && only === undefined)
    throw new Error(`--only: expected one of ${PARTS.join(', ')}, got ${JSON.stringify(values.only)}`);
  return {
    seed: number('seed', values.seed, /^\d{1,9}$/, 0, 999_999_999),
    scale: number('scale', values.scale, /^\d(?:\.\d{1,4})?$/, 0.001, 1),
    minutes: number('minutes', values.minutes, /^\d{1,4}$/, 1, 1_440),
    rushScale: number('rush-scale', values['rush-scale'], /^\d(?:\.\d{1,4})?$/, 0.001, 1),
    rushSeconds: number('rush-seconds', values['rush-seconds'], /^\d{1,5}$/, 10, 21_600),
    only: only ?? null,
    withLiars: values.liars || values.patient,
    withPatient: values.patient,
    nodes: number('nodes', values.nodes, /^\d{1,4}$/, 100, 1_000),
    liarMinutes: number('liar-minutes', values['liar-minutes'], /^\d{1,3}$/, 1, 360),
    isJson: values.json,
    isTimed: values.statements,
  };
}

function number(name: string, text: string, grammar: RegExp, min: number, max: number): number {
  const value = Number(text);
  if (!grammar.test(text) || value < min || value > max)
    throw new Error(`--${name}: expected a number from ${min} to ${max}, got ${JSON.stringify(text)}`);
  return value;
}
