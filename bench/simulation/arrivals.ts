/** When somebody asks for an image: a Poisson process, many at first, ever fewer, as many on the whole as the day has. */
import { exponential } from './distributions.ts';
import type { FakeTime, Happening } from './fake-time.ts';
import { DAY } from './parameters.ts';

/** From now on, until time ends. */
export function letArrive(time: FakeTime, random: () => number, scale: number, arrives: Happening): void {
  const startAt = time.now;
  const perMs = ratePerMs(scale);
  const next = (): void => {
    time.in(exponential(random, 1 / perMs.most), () => {
      next();
      return random() < perMs.at(time.now - startAt) / perMs.most ? arrives() : undefined;
    });
  };
  next();
}

/** Requests in a millisecond. */
function ratePerMs(scale: number): { readonly most: number; at(elapsedMs: number): number } {
  const { hours, requests, rush, rushMs } = DAY;
  const dayMs = hours * 3_600_000;
  const shape = (elapsedMs: number) => 1 + (rush - 1) * Math.exp(-elapsedMs / rushMs);
  const whole = dayMs + (rush - 1) * rushMs * (1 - Math.exp(-dayMs / rushMs));
  const unit = (requests * scale) / whole;
  return { most: unit * rush, at: (elapsedMs) => unit * shape(elapsedMs) };
}
