/** What stopped processes have left: on the disks of nodes, among temporary files, and among the processes of this machine. */
import { readlinkSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { allPids, commandOf } from '../../evidence/processes.ts';
import { countOf } from '../node-tables.ts';
import { NODES } from '../plan.ts';
import type { World } from '../world.ts';
import type { Finding } from './finding.ts';

/** Nodes must be stopped. */
export async function auditNodes(world: World): Promise<Finding> {
  const wrong: string[] = [];
  for (const name of NODES) {
    const directory = world.nodeDirectory(name);
    for (const below of ['work', 'packages/incoming'])
      for (const left of await readdir(path.join(directory, below)).catch(() => []))
        wrong.push(`${name} left ${below}/${left}`);
    for (const table of ['leases', 'begun_uploads'] as const) {
      const rows = countOf(directory, table);
      if (rows !== 0) wrong.push(`${name} holds ${rows} rows of ${table}`);
    }
  }
  return { what: 'nodes’ disks and tables', found: `${NODES.length} nodes looked through`, wrong };
}

export async function auditTemporary(world: World): Promise<Finding> {
  const left = await readdir(world.temporary);
  return { what: 'temporary files', found: String(left.length), wrong: left.map((name) => `left in TMPDIR: ${name}`) };
}

/** All parts but the store must be stopped: whatever is at work in the world's directory then, or speaks of it, is left behind. */
export function auditProcesses(world: World): Finding {
  const left = allPids()
    .filter((pid) => pid !== process.pid)
    .flatMap((pid) => {
      const words = commandOf(pid).join(' ').trim();
      const place = placeOf(pid);
      return [words, place].some((text) => text.includes(world.directory)) ? [`${pid}: ${words.slice(0, 120)}`] : [];
    });
  return { what: 'processes left', found: String(left.length), wrong: left };
}

function placeOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    // It has ended meanwhile.
    return '';
  }
}
