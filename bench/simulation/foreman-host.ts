/**
 * The platform around the one Foreman: makes it, rings its alarm, and counts who calls. Each call is a request to the Durable
 * Object, of which it can serve about a thousand in a second; what the farm costs is told by their number.
 */
import type { ForemanCalls } from '../../edge/edge-context.ts';
import type { Env } from '../../edge/env.ts';
import { Foreman } from '../../edge/foreman/foreman.ts';
import type { ForemanStats } from '../../edge/foreman/foreman-answers.ts';
import type { CallMeter } from './call-meter.ts';
import type { FakeTime } from './fake-time.ts';
import { openMemoryStorage } from './memory-storage.ts';

export interface ForemanHost {
  readonly foreman: ForemanCalls;
  /** Not counted as a call. */
  readonly stats: () => Promise<ForemanStats>;
  readonly storage: DurableObjectStorage;
  readonly statements: ReadonlyMap<string, { n: number; ms: number }>;
  /** What went wrong in work that nobody waited for. */
  readonly faults: readonly unknown[];
}

export async function hostForeman(time: FakeTime, env: Env, meter: CallMeter, isTimed: boolean): Promise<ForemanHost> {
  const faults: unknown[] = [];
  let callOff: (() => void) | undefined;
  const { storage, statements } = openMemoryStorage((at) => {
    callOff?.();
    callOff = at === null ? undefined : time.at(at, ring);
  }, isTimed);
  let ready: Promise<unknown> = Promise.resolve();
  const ctx = {
    storage,
    id: { name: 'foreman', toString: () => 'foreman' },
    waitUntil: (work: Promise<unknown>) => void work.catch((error: unknown) => faults.push(error)),
    blockConcurrencyWhile: (work: () => Promise<unknown>) => {
      ready = work();
      return ready;
    },
  };
  const object = new Foreman(ctx as unknown as DurableObjectState, env);
  await ready;

  async function ring(): Promise<void> {
    meter.note('alarm', time.now);
    await object.alarm();
  }

  const foreman = new Proxy(object, {
    get: (_, name) => {
      const method = Reflect.get(object, name) as (...given: unknown[]) => Promise<unknown>;
      return (...given: unknown[]) => {
        meter.note(String(name), time.now);
        return method.apply(object, given);
      };
    },
  }) as unknown as ForemanCalls;
  return { foreman, stats: () => object.stats(), storage, statements, faults };
}
