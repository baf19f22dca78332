/** Curves of one size as a table: a column for each size, how steep it is, and what it may be. */
import { type Bound, type Curve, exponent, isKept, stepRatios } from './curve.ts';

const NAME_WIDTH = 40;
const WIDTH = 11;

/** As text: lines of a table, beneath each other. */
export function growthTable(what: string, curves: readonly Curve[]): string[] {
  const sizes = curves[0]?.points.map(({ size }) => shortSize(size)) ?? [];
  const line = (name: string, cells: readonly string[], rest: string) =>
    `${name.padEnd(NAME_WIDTH)}${cells.map((cell) => cell.padStart(WIDTH)).join('')}  ${rest}`.trimEnd();
  return [
    line(what, [...sizes, 'exponent', 'steepest'], 'limit'),
    ...curves.map((curve) =>
      line(
        `${curve.name}, ${curve.unit}`,
        [...curve.points.map(({ value }) => figure(value)), figure(exponent(curve)), steepest(curve)],
        curve.bound === null ? '' : `${boundText(curve.bound)}: ${isKept(curve) ? 'kept' : 'EXCEEDED'}`,
      ),
    ),
  ];
}

/** Those that grow more than they may, in words. */
export const exceeded = (curves: readonly Curve[]): string[] =>
  curves
    .filter((curve) => !isKept(curve))
    .map(({ name, unit, points, bound }) => {
      const values = points.map(({ size, value }) => `${figure(value)} at ${shortSize(size)}`).join(', ');
      return `${name}: expected ${bound ? boundText(bound) : ''}, got ${values || 'nothing'} (${unit})`;
    });

function steepest(curve: Curve): string {
  const ratios = stepRatios(curve).filter(Number.isFinite);
  return ratios.length === 0 ? '' : `×${figure(Math.max(...ratios))}`;
}

export function shortSize(size: number): string {
  if (size >= 1_000_000) return `${size / 1_000_000}M`;
  return size >= 1_000 ? `${size / 1_000}k` : String(size);
}

/** Three digits that count, and no more. */
function figure(value: number): string {
  if (!Number.isFinite(value)) return '–';
  return Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}

function boundText(bound: Bound): string {
  switch (bound.kind) {
    case 'below':
      return `≤ ${bound.limit}`;
    case 'flat':
      return `≤ ${bound.factor} × first + ${bound.slack}`;
    case 'power':
      return `≤ size^${bound.exponent}`;
    case 'keeps':
      return `≥ ${bound.share} × first`;
  }
}
