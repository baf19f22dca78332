/** A disk of its own for a node, where this machine lets us mount one: it can be filled to the last byte, and emptied again. */
import { mkdir, rm, statfs } from 'node:fs/promises';
import { execa } from 'execa';

export interface NodeDisk {
  /** False: it is a directory like any other, and nothing fills it. */
  readonly canFill: boolean;
  fill(): Promise<void>;
  empty(): Promise<void>;
  remove(): Promise<void>;
}

/** It takes only the memory that is written. */
const ROOM = '16g';
const LEFT_KIB = 64;

export async function mountNodeDisk(directory: string): Promise<NodeDisk> {
  await mkdir(directory, { recursive: true });
  const mounted = await execa({ reject: false })`mount -t tmpfs -o size=${ROOM},mode=700 tmpfs ${directory}`;
  const canFill = !mounted.failed;
  const resize = (size: string) => execa`mount -t tmpfs -o remount,size=${size} tmpfs ${directory}`;
  return {
    canFill,
    fill: async () => {
      if (!canFill) return;
      const { blocks, bfree, bsize } = await statfs(directory);
      await resize(`${Math.ceil(((blocks - bfree) * bsize) / 1024) + LEFT_KIB}k`);
    },
    empty: async () => {
      if (canFill) await resize(ROOM);
    },
    remove: async () => {
      if (canFill) await execa`umount -l ${directory}`;
      await rm(directory, { recursive: true, force: true });
    },
  };
}
