/**
 * A long queue by few statements, as if each build had been submitted: turns by the rule of turns, ranks by the triggers. By
 * submission it takes minutes for 100,000.
 */
import { WHOM, type Whom } from '../../edge/foreman/schema.ts';
import { nextTurn } from '../../shared/queue/turn.ts';
import { requestHash } from '../../shared/request/intent.ts';
import { submissionOf, type Wish } from './wishes.ts';

const AT_ONCE = 2_000;

export interface Waiting {
  readonly wish: Wish;
  readonly client: string;
}

/** Into a Foreman that has no builds yet. Returns their hashes. */
export function fillBacklog(
  { sql }: DurableObjectStorage,
  waiting: readonly Waiting[],
  now: number,
  whomOf: (wish: Wish) => Whom = () => WHOM.anyone,
): string[] {
  const turns = new Map<string, number>();
  const hashes: string[] = [];
  for (let from = 0; from < waiting.length; from += AT_ONCE) {
    const rows = waiting.slice(from, from + AT_ONCE).map(({ wish, client }) => {
      const turn = nextTurn(0, turns.get(client));
      turns.set(client, turn);
      const { request, echo, conditions, ...rest } = submissionOf(wish, client);
      const hash = requestHash(wish.intentHash, 1);
      hashes.push(hash);
      const texts = { request: JSON.stringify(request), echo: JSON.stringify(echo) };
      return { ...rest, ...texts, conditions: JSON.stringify(conditions), hash, turn, whom: whomOf(wish) };
    });
    sql.exec(
      `INSERT INTO builds (request_hash, intent_hash, generation, state, client_key, image_builder, needs_trust, turn,
         request, echo, conditions, upstream_digest, enqueued_at, polled_at, not_before)
       SELECT value ->> 'hash', value ->> 'intentHash', 1, 'queued', value ->> 'clientKey', value ->> 'imageBuilder', value ->> 'whom', value ->> 'turn',
         value ->> 'request', value ->> 'echo', value ->> 'conditions', value ->> 'upstreamDigest', ?, ?, 0
       FROM json_each(?)`,
      now,
      now,
      JSON.stringify(rows),
    );
  }
  sql.exec(
    "INSERT OR REPLACE INTO clients (key, turn) SELECT value ->> 'key', value ->> 'turn' FROM json_each(?)",
    JSON.stringify([...turns].map(([key, turn]) => ({ key, turn }))),
  );
  return hashes;
}
