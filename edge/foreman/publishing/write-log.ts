/**
 * Brings the log to where everybody can read it: each new record as an object of its own, where among them its image is, and last
 * the head that names the last one. Broken off anywhere it is done again with the same bytes, so nobody ever reads two logs.
 */
import { storeKey } from '../../../shared/build-record.ts';
import { LOG_START, type LogPlace, readHead, readRecord } from '../../../shared/trust/log-record.ts';
import type { Logged } from '../../../shared/trust/provenance.ts';
import { logWarning } from '../../log.ts';
import { putJson } from '../../storage/put-json.ts';
import { storedJson } from '../../storage/read-text.ts';
import type { ForemanState } from '../foreman-state.ts';

const AT_ONCE = 32;

type LogState = Pick<ForemanState, 'kept' | 'log' | 'notary' | 'store'>;

/** True where more is due. @throws when the store does not answer: to be tried again */
export async function writeLog(state: LogState, now: number): Promise<boolean> {
  const { log, notary, store } = state;
  if (!log.isBehind()) return false;
  await beginLog(state, now);
  const rows = log.unwritten(AT_ONCE);
  for (const { sequence, payload, requestHash } of rows) {
    const record = await notary.signRecord(payload);
    await putJson(store, storeKey.logRecord(sequence), record);
    await putJson(store, storeKey.logged(requestHash), { sequence, record } satisfies Logged);
  }
  const last = rows.at(-1) ?? log.last() ?? { ...LOG_START, at: now };
  const disowned = log.disowned();
  await putJson(store, storeKey.logHead, await notary.signHead(last, rows.length > 0 ? last.at : now, disowned));
  log.written(last.sequence, disowned.marks);
  return log.isBehind();
}

/**
 * Before the first record since this object woke. Where its tables are new and the log is not (they were lost), or older than the log
 * (they were restored), it goes on behind the last record that the store has: a second record under one number would look like the
 * forgery that the log is there to show.
 */
export async function beginLog({ log, notary, store, kept }: LogState, now: number): Promise<void> {
  const known = log.last();
  if (log.isInStep && known) return;
  let place: LogPlace = LOG_START;
  const head = await storedJson<unknown>(store, storeKey.logHead);
  if (head !== null) {
    const read = await readHead(head, notary.publicKey);
    if (!read.ok && known) {
      // Its key was changed, and the log goes on by the new one.
      log.isInStep = true;
      return;
    }
    if (!read.ok) throw foreign(storeKey.logHead, read.reason);
    place = { sequence: read.value.sequence, hash: read.value.hash };
  }
  // The head is written last, so there may be records behind it.
  for (;;) {
    const next = await storedJson<unknown>(store, storeKey.logRecord(place.sequence + 1));
    if (next === null) break;
    const read = await readRecord(next, notary.publicKey);
    if (!read.ok) throw foreign(storeKey.logRecord(place.sequence + 1), read.reason);
    place = read.place;
  }
  if (!known || known.sequence < place.sequence) log.begin(place, now);
  if (known && known.sequence < place.sequence) {
    const records = place.sequence - known.sequence;
    logWarning('the log in the store is ahead: these tables are older than it', { records });
    // There may be builds as well that they know nothing of.
    kept.relist();
  }
  log.isInStep = true;
}

/** Nothing is published over it: whose log it is is for the operator to say. */
const foreign = (key: string, reason: string): Error =>
  new Error(
    `${key} in the store is not of this server: ${reason}. Give the server its old key, or move what is below log/ away`,
  );
