/**
 * Brings the log to where everybody can read it: each new record as an object of its own, where among them its image is, and last
 * the head that names the last one. Broken off anywhere it is done again with the same bytes, so nobody ever reads two logs.
 */
import { storeKey } from '../../../shared/build/build-record.ts';
import { sha256Hex } from '../../../shared/crypto/digest.ts';
import { headPayload, LOG_START } from '../../../shared/trust/log-record.ts';
import type { Logged } from '../../../shared/trust/provenance.ts';
import { putJson } from '../../storage/put-json.ts';
import type { ForemanState } from '../foreman-state.ts';
import { beginLog } from './begin-log.ts';

const AT_ONCE = 32;

/** True where more is due. @throws when the store does not answer: to be tried again */
export async function writeLog(state: ForemanState, now: number): Promise<boolean> {
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
  const head = headPayload(last, rows.length > 0 ? last.at : now, disowned);
  log.noteHead(sha256Hex(head));
  await putJson(store, storeKey.logHead, await notary.signHead(head));
  log.written(last.sequence, disowned.changes);
  return log.isBehind();
}
