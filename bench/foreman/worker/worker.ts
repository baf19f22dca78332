/** The Worker of this bench: the Foreman itself, with a farm around it and a meter below it. */

import type { Env } from '../../../edge/env.ts';
import { Foreman as RealForeman } from '../../../edge/foreman/foreman.ts';
import { openObjectStore } from '../../../edge/storage/open-object-store.ts';
import type { MeasuredOperation, MeasuredQueue } from '../measured.ts';
import { Farm } from './farm.ts';
import { memoryBucket } from './memory-bucket.ts';
import { OPERATIONS, type Operation } from './operations.ts';
import { RESULT_OPERATIONS } from './result-operations.ts';
import { type Metered, RowMeter } from './row-meter.ts';

export { Catalogue } from '../../../edge/catalogue/catalogue.ts';

export class Foreman extends RealForeman {
  readonly #meter: RowMeter;
  readonly #storage: DurableObjectStorage;
  readonly #env: Env;

  constructor(ctx: DurableObjectState, env: Env) {
    const meter = new RowMeter(ctx);
    const withBucket = { ...env, IMAGES: memoryBucket() };
    super(ctx, withBucket);
    this.#meter = meter;
    this.#storage = ctx.storage;
    this.#env = withBucket;
  }

  /** Rung by the bench alone: one that rings by itself would be counted with whatever is measured just then. */
  override async alarm(): Promise<void> {}

  ring(): Promise<void> {
    return super.alarm();
  }

  async measure(queued: number, results: number, rounds: number, isOfResults: boolean): Promise<MeasuredQueue> {
    const farm = new Farm(this, this.#storage, openObjectStore(this.#env), queued, results);
    const began = Date.now();
    farm.fill();
    const fillSeconds = (Date.now() - began) / 1000;
    // What is done once a day, or once in an object's life.
    await this.ring();
    const operations: MeasuredOperation[] = [];
    const measured = isOfResults ? [...RESULT_OPERATIONS, ...OPERATIONS] : OPERATIONS;
    for (const operation of measured) operations.push(await this.#measureOne(farm, operation, rounds));
    return { queued, results, fillSeconds, databaseBytes: this.#storage.sql.databaseSize, operations };
  }

  async #measureOne(farm: Farm, { name, bound, prepare }: Operation, rounds: number): Promise<MeasuredOperation> {
    const all: Metered[] = [];
    for (let round = 0; round < rounds; round += 1) {
      farm.topUp();
      const work = await prepare(farm, round);
      // So that the farm's size, which is asked for every few seconds, is known.
      await this.status([farm.waitingHash()]);
      all.push(await this.#meter.measure(work));
    }
    const mean = (of: (one: Metered) => number) => all.reduce((sum, one) => sum + of(one), 0) / all.length;
    return {
      name,
      bound,
      rowsRead: mean((one) => one.rowsRead),
      rowsWritten: mean((one) => one.rowsWritten),
      microseconds: middleMean(all.map((one) => one.microseconds)),
    };
  }
}

/** The clock counts whole milliseconds, of which a median is one; and others use the machine too. */
function middleMean(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.slice(Math.floor(sorted.length / 4), Math.ceil((sorted.length * 3) / 4));
  return middle.reduce((sum, value) => sum + value, 0) / middle.length;
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const { searchParams } = new URL(request.url);
    const number = (name: string) => Number(searchParams.get(name));
    const [queued, results] = [number('queued'), number('results')];
    if (queued === 0) return new Response('up');
    const foreman = env.FOREMAN.getByName(`queue-${queued}-results-${results}`) as unknown as Pick<Foreman, 'measure'>;
    return Response.json(await foreman.measure(queued, results, number('rounds'), searchParams.has('of-results')));
  },
};
