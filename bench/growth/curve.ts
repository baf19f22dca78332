/**
 * How a figure grows with what it depends on, and whether it may. A bench at one size praises what is fast there; what reads each row is
 * as fast as any while there are a thousand.
 */

/**
 * `below`: no value is above the limit. `flat`: the last is no more than `factor` times the first, and `slack`. `power`: it grows no
 * steeper than size to this power. `keeps`: the last is at least this share of the first.
 */
export type Bound =
  | { readonly kind: 'below'; readonly limit: number }
  | { readonly kind: 'flat'; readonly factor: number; readonly slack: number }
  | { readonly kind: 'power'; readonly exponent: number }
  | { readonly kind: 'keeps'; readonly share: number };

export interface Point {
  readonly size: number;
  readonly value: number;
}

export interface Curve {
  readonly name: string;
  readonly unit: string;
  /** By size. */
  readonly points: readonly Point[];
  /** Null: it is told, and nothing is asked of it. */
  readonly bound: Bound | null;
}

/** From each point to the next. */
export const stepRatios = ({ points }: Pick<Curve, 'points'>): number[] =>
  points.slice(1).map(({ value }, at) => value / (points[at]?.value ?? Number.NaN));

/** x of value ~ size^x, by the first point and the last; NaN where one of them is nothing. */
export function exponent({ points }: Pick<Curve, 'points'>): number {
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last || first.size === last.size || first.value <= 0 || last.value <= 0) return Number.NaN;
  return Math.log(last.value / first.value) / Math.log(last.size / first.size);
}

/** A curve without points keeps nothing: what was not measured must not pass. */
export function isKept({ points, bound }: Pick<Curve, 'points' | 'bound'>): boolean {
  const [first, last] = [points[0], points.at(-1)];
  if (bound === null) return true;
  if (!first || !last || points.some(({ value }) => !Number.isFinite(value))) return false;
  switch (bound.kind) {
    case 'below':
      return points.every(({ value }) => value <= bound.limit);
    case 'flat':
      return last.value <= bound.factor * first.value + bound.slack;
    case 'power':
      // What shrinks to nothing has no exponent, and is kept all the same.
      return last.value <= first.value || exponent({ points }) <= bound.exponent;
    case 'keeps':
      return last.value >= bound.share * first.value;
  }
}
