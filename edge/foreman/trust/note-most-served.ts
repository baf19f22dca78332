/**
 * Each day some of the images that are handed out most are to be built again, of those that volunteers published: what colluding
 * operators would want to be flashed is what many ask for.
 */
import { dayOf } from '../../../shared/request/client-key.ts';
import type { ForemanState } from '../foreman-state.ts';
import { metaValue, setMeta } from '../meta.ts';

const PICKED_ON = 'rebuilds_picked_on';
/** Names of images that are looked at. */
const LOOKED_AT = 200;

export function noteMostServed(state: ForemanState, now: number): void {
  const { db, statistics, knownImages, checks, config } = state;
  const today = dayOf(now);
  if (config.TRUST_POLICY.rebuilds_a_day === 0) return;
  if (metaValue(db, PICKED_ON) === today) return;
  db.transaction(() => {
    let left = config.TRUST_POLICY.rebuilds_a_day;
    for (const { name } of statistics.mostServed(now).slice(0, LOOKED_AT)) {
      const known = left > 0 ? knownImages.ofQuorum(name) : undefined;
      if (!known || checks.isRebuilt(known.requestHash)) continue;
      checks.add('rebuild', known, now);
      left -= 1;
    }
    setMeta(db, PICKED_ON, today);
  });
}
