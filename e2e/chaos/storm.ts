/** The planned faults, each at its time; after the last of them everything is whole again. */
import { setTimeout as sleep } from 'node:timers/promises';
import { FAULT_OF } from './faults/fault.ts';
import type { PlannedFault } from './plan.ts';
import type { World } from './world.ts';

export interface Befallen extends PlannedFault {
  readonly happened: 'happened' | 'impossible here';
}

/** `onTrouble`: a fault that could not be begun or ended, which is none of the product's. Told to stop it ends what it began. */
export async function storm(
  world: World,
  faults: readonly PlannedFault[],
  { onFault, onTrouble }: { onFault: (fault: Befallen) => void; onTrouble: (told: string) => void },
  signal: AbortSignal,
): Promise<void> {
  const startedAt = Date.now();
  const until = async (ms: number) => {
    await sleep(Math.max(0, startedAt + ms - Date.now()), undefined, { signal }).catch(() => undefined);
  };
  await Promise.all(
    faults.map(async (planned) => {
      const { fault, target, startMs, endMs } = planned;
      await until(startMs);
      if (signal.aborted) return;
      try {
        const end = await FAULT_OF[fault](world, target);
        onFault({ ...planned, happened: end === 'impossible' ? 'impossible here' : 'happened' });
        if (end === 'impossible') return;
        await until(endMs);
        await end();
      } catch (error) {
        onTrouble(`${fault} of ${target}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }),
  );
}
