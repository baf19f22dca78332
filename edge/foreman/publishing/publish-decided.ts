/**
 * Everything that is decided and not published yet, eldest first: into the store, and then, in one transaction, `done` and a record of
 * the log. A store that does not answer keeps its builds `publishing`; one whose files are lost goes back to the queue, and one that
 * was found to be wrong meanwhile ends. None of these holds up the others for longer than until it is tried again, however many are
 * decided meanwhile.
 */
import { BuildError } from '../../../shared/build/build-error.ts';
import { isPrebuild } from '../../../shared/queue/turn.ts';
import { logError, logWarning } from '../../log.ts';
import { RETRY_MS } from '../due-times.ts';
import type { ForemanState } from '../foreman-state.ts';
import { addImage } from '../images/adopt-image.ts';
import { failBuild, loseFiles } from '../queue/end-build.ts';
import type { BuildRow } from '../schema.ts';
import { recordedAttesters } from '../trust/attesters-of.ts';
import { haveRebuilt } from '../trust/have-rebuilt.ts';
import { isContradicted } from '../trust/judge-votes.ts';
import { notePublished } from '../trust/note-published.ts';
import { beginLog } from './begin-log.ts';
import { FilesLost, publish } from './publish.ts';
import { isRecalled, recall } from './recall.ts';
import { isOverturned, standingRecord } from './standing-record.ts';

/** Decided builds in memory, and of them published at once: each holds a manifest, and the store has other callers. */
const PAGE = 16;
const AT_ONCE = 4;
/** A store may be slow to show what it holds; a file that is missing for longer has been lost. */
const FILES_PATIENCE_MS = 60_000;

interface Told {
  /** Some may be done now. */
  readonly onPage: () => void;
  /** A build waits again. */
  readonly onLost: () => void;
}

/**
 * @param from where it begins, a sequence
 * @returns where the next pass is to begin: behind those that the store did not answer for, since it may be they alone that it never
 * answers for, and all the others would wait behind them
 */
export async function publishDecided(state: ForemanState, { onPage, onLost }: Told, from: number): Promise<number> {
  let [behind, isBehindOthers] = [from, from > 0];
  /** When the eldest was looked at of those among which one is to be tried again. */
  let failedSince: number | null = null;
  for (;;) {
    const began = Date.now();
    const page = state.queue.publishing(behind, PAGE);
    const last = page.at(-1);
    if (!last) {
      if (!isBehindOthers) return 0;
      [behind, isBehindOthers] = [0, false];
      continue;
    }
    const outcomes = await publishPage(state, page, onLost);
    if (isStoreAway(outcomes)) return page[outcomes.length - 1]?.sequence ?? 0;
    if (outcomes.some((outcome) => outcome !== 'settled')) failedSince ??= began;
    // What was decided meanwhile may be senior to what was published; but what failed is not tried again at once.
    if (failedSince === null) behind = 0;
    else if (Date.now() - failedSince < RETRY_MS) behind = last.sequence;
    else [behind, failedSince] = [0, null];
    onPage();
  }
}

/** One begins when another is done: were they to wait for the slowest of their four, most would. */
async function publishPage(state: ForemanState, page: readonly BuildRow[], onLost: () => void): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const rest = page.values();
  const publishRest = async (): Promise<void> => {
    for (const build of rest) {
      outcomes.push(await publishOne(state, build, onLost));
      if (isStoreAway(outcomes)) return;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, publishRest));
  return outcomes;
}

/** `files missing`: so says the store, which may be slow to show what it holds. */
type Outcome = 'settled' | 'files missing' | 'no answer';

/** Nothing of all these: the store would be asked in vain for the rest, by calls of half a minute each. */
const isStoreAway = (outcomes: readonly Outcome[]): boolean => outcomes.every((outcome) => outcome === 'no answer');

async function publishOne(
  state: ForemanState,
  { record, requestHash }: BuildRow,
  onLost: () => void,
): Promise<Outcome> {
  const { store, cache, notary, log, queue, statements, statistics, leases, phases, db } = state;
  try {
    if (endRecalled(state, requestHash)) return 'settled';
    if (!record) throw new FilesLost('the record is missing');
    const attesters = recordedAttesters(state, record);
    const signed = statements.of(
      requestHash,
      attesters.map(({ leaseId }) => leaseId),
    );
    // First: what the log cannot take must not be served.
    await beginLog(state, Date.now());
    const standing = await standingRecord(store, record);
    if (!standing) await publish(record, await notary.statementsOf(record, attesters, signed), store, cache);
    db.transaction(() => {
      // Of one that was ended meanwhile nothing is published any more.
      const build = queue.byHash(requestHash);
      if (build?.state !== 'publishing' || endRecalled(state, requestHash)) return;
      const published = standing?.record ?? record;
      addImage(state, published, Date.now());
      if (standing && isOverturned(state, standing.record, record)) {
        leases.filesDue(published.leaseId, null);
        recall(state, record, Date.now());
        endRecalled(state, requestHash);
        return;
      }
      queue.finish(requestHash, published.expiresAt, Date.now());
      // Of another lease than the one that stands the files are of no use.
      leases.filesDue(published.leaseId, null);
      statements.remove(requestHash);
      if (standing) {
        if (!standing.isLogged) log.append(notary.entryOf(standing.record, recordedAttesters(state, standing.record)));
        return;
      }
      log.append(notary.entryOf(record, attesters));
      if (build.startedAt !== null) phases.note('building', record.publishedAt - build.startedAt);
      phases.note('publishing', Date.now() - record.publishedAt);
      statistics.built(record, Date.now(), isPrebuild(build));
      notePublished(state, record, Date.now());
      // Who spoke while nothing was published yet.
      if (isContradicted(state, requestHash)) haveRebuilt(state, requestHash, Date.now());
    });
    return 'settled';
  } catch (error) {
    const now = Date.now();
    // The hash of a private image is nobody else's.
    const told = { request: record?.private === false ? requestHash : undefined, lease: record?.leaseId };
    if (endRecalled(state, requestHash)) return 'settled';
    if (error instanceof FilesLost && now - (record?.publishedAt ?? 0) >= FILES_PATIENCE_MS) {
      logError('publishing is given up', { ...told, error });
      loseFiles(state, requestHash, error.message, now);
      onLost();
      return 'settled';
    }
    logError('publishing failed and is tried again', { ...told, error });
    return error instanceof FilesLost ? 'files missing' : 'no answer';
  }
}

/**
 * A trusted node has contradicted it while it was being published (judge-votes.ts). It ends here, and is not built again under this
 * name: copies of it may be anywhere by now, and are removed by this name for a quarter of an hour. Whoever asks again has the next
 * generation built. True where it was so.
 */
function endRecalled(state: ForemanState, requestHash: string): boolean {
  return state.db.transaction(() => {
    const build = state.queue.byHash(requestHash);
    if (build?.state !== 'publishing' || !isRecalled(state, requestHash)) return false;
    const cause = 'a trusted node made another one while it was being published';
    failBuild(state, build, new BuildError('internal', undefined, { cause }), Date.now());
    logWarning('publishing is given up', { lease: build.leaseId ?? undefined, error: cause });
    return true;
  });
}
