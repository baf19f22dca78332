/** What the Foreman does with what is published, in a farm that has published much: chores of its alarm, and what isolates tell it. */
import { dayOf } from '../../../shared/request/client-key.ts';
import type { Farm } from './farm.ts';
import { flat, type Operation } from './operations.ts';

const SERVED = 1_000;
const OLD = 20;
/** As many as one alarm takes. */
const FOR_THE_BUDGET = 16;

const some = (farm: Farm, count: number) => Array.from({ length: count }, () => farm.endedHash());

export const RESULT_OPERATIONS: readonly Operation[] = [
  flat(`${SERVED} images were served`, (farm) => {
    const served = some(farm, SERVED);
    return () => farm.foreman.takeCounts({ day: dayOf(Date.now()), counts: [], served });
  }),
  flat('statistics, the summary', (farm) => () => farm.foreman.statistics({ about: 'summary' })),
  flat('statistics, the latest images', (farm) => () => farm.foreman.statistics({ about: 'images' })),
  flat(`alarm, ${FOR_THE_BUDGET} images too many`, (farm) => {
    farm.storage.sql.exec(
      'UPDATE images SET served_at = 1 WHERE request_hash IN (SELECT value FROM json_each(?))',
      JSON.stringify(some(farm, FOR_THE_BUDGET)),
    );
    return () => farm.foreman.ring();
  }),
  flat('alarm, a lease left files', (farm) => {
    farm.storage.sql.exec('UPDATE leases SET files_due_at = 1 WHERE id = ?', farm.endedHash());
    return () => farm.foreman.ring();
  }),
  flat(`alarm, ${OLD} ended long ago`, (farm) => {
    farm.storage.sql.exec(
      'UPDATE builds SET finished_at = 1 WHERE request_hash IN (SELECT value FROM json_each(?))',
      JSON.stringify(some(farm, OLD)),
    );
    return () => farm.foreman.ring();
  }),
];
