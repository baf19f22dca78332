/** The middle one, the upper of two; undefined of nothing. */
export const median = (values: readonly number[]): number | undefined =>
  [...values].sort((a, b) => a - b)[values.length >> 1];
