/**
 * Where the log goes on from. With tables that are new, or older than the store, it is the store that knows: of the last record, and of
 * who is believed no more.
 */
import { and, eq, lt } from 'drizzle-orm';
import { storeKey } from '../../../shared/build/build-record.ts';
import { isHeard } from '../../../shared/node/node-state.ts';
import { LOG_START, type LogHead, type LogPlace, readHead, readRecord } from '../../../shared/trust/log-record.ts';
import { logWarning } from '../../log.ts';
import { storedJson } from '../../storage/read-text.ts';
import type { ForemanState } from '../foreman-state.ts';
import { nodes } from '../schema.ts';
import { putOut } from '../trust/quarantine-liar.ts';

/**
 * Before the first record since this object woke. Where its tables are new and the log is not (they were lost), or older than the log
 * (they were restored), it goes on behind the last record that the store has: a second record under one number would look like the
 * forgery that the log is there to show.
 */
export async function beginLog(state: ForemanState, now: number): Promise<void> {
  const { log, notary, store, kept } = state;
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
    if (!log.isOwnHead(read.sha256)) believeNoMore(state, read.value, now);
  }
  // The head is written last, so there may be records behind it.
  for (;;) {
    const next = await storedJson<unknown>(store, storeKey.logRecord(place.sequence + 1));
    if (next === null) break;
    const read = await readRecord(next, notary.publicKey);
    if (!read.ok) throw foreign(storeKey.logRecord(place.sequence + 1), read.reason);
    place = read.place;
  }
  // Another call was faster, and what was read since may be what has been written by this very object.
  if (log.isInStep && log.last()) return;
  if (!known || known.sequence < place.sequence) log.begin(place, now);
  if (known && known.sequence < place.sequence) {
    const records = place.sequence - known.sequence;
    logWarning('the log in the store is ahead: these tables are older than it', { records });
    // There may be builds as well that they know nothing of.
    kept.relist();
  }
  log.isInStep = true;
}

/**
 * Who was revoked or found to lie after the tables were saved is believed by them. Which of both it was the head does not say, so an
 * operator is to look at it. Who joined since was welcomed by one.
 */
function believeNoMore(state: ForemanState, head: LogHead, now: number): void {
  const { db, nodes: register } = state;
  db.transaction(() => {
    for (const id of head.disowned) {
      const node = register.byId(id);
      if (!node || !isHeard(node.state) || node.joinedAt > Date.parse(head.time)) continue;
      const reason = 'it was believed no more, says the log in the store, which is younger than the register';
      putOut(state, id, { reason, why: 'the log disowns it' }, now);
      logWarning('a node is put aside: the log in the store disowns it', { node: id });
    }
    for (const { node, sequence } of head.disowned_before ?? [])
      db.update(nodes)
        .set({ disownedUpTo: sequence })
        .where(and(eq(nodes.id, node), lt(nodes.disownedUpTo, sequence)))
        .run();
  });
}

/** Nothing is published over it: whose log it is is for the operator to say. */
const foreign = (key: string, reason: string): Error =>
  new Error(
    `${key} in the store is not of this server: ${reason}. Give the server its old key, or move what is below log/ away`,
  );
