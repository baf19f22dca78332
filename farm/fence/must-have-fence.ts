/**
 * Before the tests of the farm: can this machine fence builds in at all, and lay overlays over trees? Asked once, and told in
 * one sentence; else some forty tests would fail, each with words of its own.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { probeFence } from './fence.ts';

/** @throws Error that says what is missing */
export async function mustHaveFence(): Promise<void> {
  const directory = await mkdtemp(path.join(tmpdir(), 'must-have-fence-'));
  try {
    const { canOverlay, told } = await probeFence(directory);
    if (!canOverlay)
      throw new Error(`The tests of the farm need a fence with overlays, and this machine has none. ${told}`);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
