/** Something that befalls one part of the world, and passes. */
import type { FaultName, TargetName } from '../plan.ts';
import type { World } from '../world.ts';
import { cut } from './cut.ts';
import { fill } from './fill.ts';
import { freeze } from './freeze.ts';
import { kill } from './kill.ts';
import { slow } from './slow.ts';

/** Begins it; what it returns ends it. `impossible`: this machine cannot do it. */
export type Fault = (world: World, target: TargetName) => Promise<(() => Promise<void>) | 'impossible'>;

export const FAULT_OF: Readonly<Record<FaultName, Fault>> = { kill, freeze, cut, slow, fill };
