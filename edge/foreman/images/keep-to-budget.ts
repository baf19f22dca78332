/**
 * Published images take no more than their budget: those that go are chosen (shared/store/image-budget.ts), and all that are going are
 * brought one step further (unpublish.ts). Nobody waits for it, so it is done by the alarm, some at a time.
 */
import type { ForemanState } from '../foreman-state.ts';
import { isRecalled } from '../publishing/recall.ts';
import type { ImageRow } from '../schema.ts';
import { removeLeaseFiles } from './remove-lease-files.ts';
import { type Unpublishing, unpublishStep } from './unpublish.ts';

const PAGE = 16;
/** A Durable Object has six connections, and others use them too. */
const AT_ONCE = 4;
/** The others are not held up by one that cannot be removed. */
const FAILED_MS = 60_000;

/** @throws what the store or KV did of one of them, once all others were tried */
export async function keepToBudget(state: ForemanState, now: number): Promise<void> {
  const { images, config } = state;
  state.db.transaction(() => {
    for (const { requestHash } of images.toRemove(config.IMAGES_BUDGET, PAGE, now)) images.leave(requestHash, now);
  });
  const page = images.due(PAGE, now);
  const ways = waysOf(state);
  const steps: PromiseSettledResult<void>[] = [];
  for (let at = 0; at < page.length; at += AT_ONCE)
    steps.push(...(await Promise.allSettled(page.slice(at, at + AT_ONCE).map((image) => goOn(state, ways, image)))));
  for (const step of steps) if (step.status === 'rejected') throw step.reason;
}

async function goOn({ images, queue }: ForemanState, ways: Unpublishing, image: ImageRow): Promise<void> {
  // Another one is being put in its place.
  if (queue.byHash(image.requestHash)?.state === 'publishing')
    return images.put(image, { step: image.step, dueAt: Date.now() + FAILED_MS });
  try {
    const after = await unpublishStep(ways, image);
    if (after === 'gone') images.remove(image);
    else images.put(image, after);
  } catch (error) {
    images.put(image, { step: image.step, dueAt: Date.now() + FAILED_MS });
    throw error;
  }
}

const waysOf = (state: ForemanState): Unpublishing => ({
  store: state.store,
  cache: state.cache,
  isRecalled: (requestHash) => isRecalled(state, requestHash),
  hasSuccessor: (image) => state.queue.hasSuccessor(image),
  removeFiles: (id) => removeLeaseFiles(state, id),
  now: () => Date.now(),
});
