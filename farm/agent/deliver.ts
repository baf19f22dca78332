/** Brings what was built to the edge, and says the last word about it along with the last file. */
import { BuildStep } from '../../shared/gen/asu/farm/v1/build_pb.js';
import type { LeaseReport, ReportResponse } from '../../shared/gen/asu/farm/v1/foreman_pb.js';
import { tierOf } from '../membership/membership.ts';
import { uploadThroughEdge } from '../upload/through-edge.ts';
import type { Built } from './built.ts';
import type { Fulfilled, FulfilOptions, Running } from './fulfil-order.ts';

/** Before the deadline, so that what cannot be stored is handed back in time. */
const HAND_BACK_MS = 60_000;

/** `allLines`: when all that the build printed is told. @throws UploadError; StoreAway */
export async function deliver(
  leaseId: string,
  built: Built,
  running: Running,
  options: FulfilOptions,
  allLines: Promise<void>,
): Promise<Fulfilled> {
  const { edgeUrl, client, key, membership, store } = options;
  const bytesTotal = built.files.reduce((sum, file) => sum + file.sizeBytes, 0);
  Object.assign(running, { step: BuildStep.SIGNING_IMAGES, bytesDone: 0, bytesTotal });
  const isTrusted = tierOf(membership()?.certificate ?? '') === 'trusted';
  const heard = await uploadThroughEdge(built.files, {
    ...{ edgeUrl, client, key, membership, leaseId },
    // What is private lies nowhere that the edge does not clear by itself.
    store: isTrusted && !built.isPrivate ? store : null,
    signal: running.stop.signal,
    patience: AbortSignal.timeout(Math.max(0, built.deadlineMs - options.now() - HAND_BACK_MS)),
    onProgress: (bytesDone) => {
      running.bytesDone = bytesDone;
    },
    reports: async () => {
      await allLines;
      // The same one in each try, since the answer to the first may have been lost; but what has been overtaken is old to the edge.
      if (running.lastWord === null || !options.isLatest(running.lastWord))
        running.lastWord = options.numbered(leaseId, built.lastWord);
      return options.withOthers(running.lastWord);
    },
  });
  await allLines;
  const isTold = isTaken(running.lastWord, heard, options);
  options.metrics.bytesUploaded(bytesTotal);
  const seconds = Math.round(built.durationMs / 100) / 10;
  options.log(`built ${built.name} in ${seconds} s`, { request: built.requestHash, lease: leaseId, seconds });
  return { lastWord: built.lastWord, isTold, isOwnFault: false, result: 'succeeded' };
}

/**
 * While the edge looks for the files, where the build is goes on being reported: that keeps its lease, which the sending of a lost file may
 * outlast. Such a report overtakes the last word, which the edge then does not take; and if its answer is lost and the lease
 * runs out meanwhile, 'ended' is the answer to every later one. So it counts only if no number was given after the word's. A word
 * that is told again in vain, under a higher number, changes nothing: its lease is over.
 */
function isTaken(lastWord: LeaseReport | null, heard: ReportResponse | null, options: FulfilOptions): boolean {
  if (lastWord === null || heard === null) return false;
  return options.onHeard(lastWord, heard) && options.isLatest(lastWord);
}
