/** How what is random is spread. `random`: from 0 to below 1. */

/** Around 1. `spread`: standard deviation of the logarithm. */
export const logNormal = (random: () => number, spread: number): number =>
  Math.exp(spread * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()));

/** How long until something happens that is as likely at any moment. */
export const exponential = (random: () => number, mean: number): number => -Math.log(1 - random()) * mean;
