/**
 * What a build printed, as it may be told: without where on this machine it was made, and with upstream's URLs in the place
 * of the package proxy's. In a fence the first is not known to anything that prints; it is taken out all the same.
 */
import path from 'node:path';
import type { BuildOrder } from '../../shared/gen/asu/farm/v1/build_pb.js';
import { INSIDE } from '../fence/fenced-command.ts';

export class ToldText {
  readonly #places: readonly (readonly [from: string, to: string])[];
  #also: (text: string) => string = (text) => text;

  constructor(order: BuildOrder, stateDirectory: string) {
    this.#places = [
      [path.join(stateDirectory, 'work', order.leaseId), INSIDE],
      [stateDirectory, '/node'],
    ];
  }

  /** From when on it is known. */
  alsoBy(also: (text: string) => string): void {
    this.#also = also;
  }

  of(text: string): string {
    return this.#places.reduce((told, [from, to]) => told.replaceAll(from, to), this.#also(text));
  }
}
