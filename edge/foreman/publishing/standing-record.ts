/**
 * What was published once under a name stays there. A Foreman whose tables are of yesterday may have a build before it that was
 * published meanwhile, and would put other bytes under the same name: who has the first ones in a cache would never see the others, and
 * the log would have two records of one image.
 */
import { type BuildRecord, storeKey } from '../../../shared/build/build-record.ts';
import { resultDigest } from '../../../shared/trust/result-digest.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { storedJson } from '../../storage/read-text.ts';
import type { ForemanState } from '../foreman-state.ts';
import { recordedAttesters } from '../trust/attesters-of.ts';
import { inputsOf } from '../trust/decide-build.ts';

export interface Standing {
  readonly record: BuildRecord;
  /** The log has it as well. */
  readonly isLogged: boolean;
}

/**
 * Null where there is none, or where it is what `record` says and was broken off before it was logged: to be put, once more. One whose
 * files are gone, or about to go, does not stand.
 */
export async function standingRecord(store: ObjectStore, record: BuildRecord): Promise<Standing | null> {
  const there = await storedJson<BuildRecord>(store, storeKey.build(record.requestHash));
  if (there === null || there.unpublishedAt !== undefined) return null;
  const isLogged = (await store.head(storeKey.logged(record.requestHash))).exists;
  if (there.leaseId === record.leaseId) return isLogged ? { record: there, isLogged } : null;
  const files = await Promise.all(there.files.map(({ name }) => store.head(storeKey.object(there.leaseId, name))));
  return files.every(({ exists }) => exists) ? { record: there, isLogged } : null;
}

/** Volunteers made what stands, and a trusted node made another image of the same inputs: as if it had been asked (judge-votes.ts). */
export function isOverturned(state: ForemanState, standing: BuildRecord, record: BuildRecord): boolean {
  const isTrusted = (of: BuildRecord) => recordedAttesters(state, of).some(({ tier }) => tier === 'trusted');
  return (
    isTrusted(record) &&
    !isTrusted(standing) &&
    inputsOf(standing.pins) === inputsOf(record.pins) &&
    resultDigest(standing) !== resultDigest(record)
  );
}
