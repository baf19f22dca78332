/** What edge and nodes hold when nothing is to be done, beside what they held when they were warm: memory and open files. */
import { readdir } from 'node:fs/promises';
import { residentBytes } from '../../../bench/process-usage.ts';
import { MIB } from '../../../shared/text/byte-size.ts';
import type { TargetName } from '../plan.ts';
import type { World } from '../world.ts';
import type { Finding } from './finding.ts';

export interface Held {
  readonly residentMib: number;
  readonly openFiles: number;
}
export type HeldByPart = ReadonlyMap<TargetName, Held>;

/**
 * More than this is a leak. The edge may fill its caches: results 48 MiB, documents 32, wishes 16, logs and polls 8, each in UTF-16
 * at worst, and what the garbage collector has not come to. A node keeps no images in memory.
 */
const MAY_GROW_MIB = { edge: 320, node: 128 } as const;
/** Connections that are kept alive, and no file for each build. */
const MAY_OPEN_MORE = 48;

export async function whatIsHeld(world: World): Promise<HeldByPart> {
  const held = new Map<TargetName, Held>();
  for (const [name, part] of world.parts) {
    const pid = part.pid();
    if (name !== 'store' && pid !== undefined) held.set(name, await heldBy(pid));
  }
  return held;
}

async function heldBy(pid: number): Promise<Held> {
  const bytes = (await residentBytes([String(pid)])) ?? Number.NaN;
  return { residentMib: Math.round(bytes / MIB), openFiles: (await readdir(`/proc/${pid}/fd`)).length };
}

export function auditMemory(warm: HeldByPart, now: HeldByPart): readonly Finding[] {
  return [...warm].map(([name, before]) => {
    const after = now.get(name);
    if (!after) return { what: `held by ${name}`, found: 'it is not there', wrong: [`${name} does not live`] };
    const mayGrow = name === 'edge' ? MAY_GROW_MIB.edge : MAY_GROW_MIB.node;
    const wrong = [
      ...(after.residentMib > before.residentMib + mayGrow ? [`${name} has grown by more than ${mayGrow} MiB`] : []),
      ...(after.openFiles > before.openFiles + MAY_OPEN_MORE
        ? [`${name} holds more than ${MAY_OPEN_MORE} files more than before`]
        : []),
    ];
    return {
      what: `held by ${name}`,
      found: `${before.residentMib} → ${after.residentMib} MiB (+${mayGrow} at most), ${before.openFiles} → ${after.openFiles} open files`,
      wrong,
    };
  });
}
