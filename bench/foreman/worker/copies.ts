/**
 * Many builds by few statements: copies of one that was submitted, with turns by the rule of turns, and ranks by the triggers,
 * as if each had been submitted. One after the other would take minutes for 100,000, and leave the same rows.
 */
import { sha256Hex } from '../../../shared/crypto/digest.ts';
import { nextTurn } from '../../../shared/queue/turn.ts';

const AT_ONCE = 5_000;

export interface Copied {
  readonly clientKey: string;
  readonly imageBuilder: string;
  readonly needsTrust: boolean;
}

/** Copies of the newest build, one for each of `wanted`, whose turn is on. Returns their hashes. */
export function addQueued({ sql }: DurableObjectStorage, wanted: readonly Copied[]): string[] {
  const turns = new Map<string, number>();
  const copies = wanted.map((copied, at) => {
    const turn = nextTurn(0, turns.get(copied.clientKey));
    turns.set(copied.clientKey, turn);
    return { ...copied, turn, hash: sha256Hex(`copy ${at}`), needsTrust: Number(copied.needsTrust) };
  });
  const inPages = (all: readonly object[], statement: string) => {
    for (let at = 0; at < all.length; at += AT_ONCE) sql.exec(statement, JSON.stringify(all.slice(at, at + AT_ONCE)));
  };
  inPages(
    copies,
    `INSERT INTO builds (request_hash, intent_hash, generation, state, client_key, image_builder, needs_trust, turn,
       request, echo, conditions, upstream_digest, enqueued_at, polled_at, not_before)
     SELECT value ->> 'hash', value ->> 'hash', 1, 'queued', value ->> 'clientKey', value ->> 'imageBuilder', value ->> 'needsTrust', value ->> 'turn',
       request, echo, conditions, upstream_digest, enqueued_at, polled_at, 0
     FROM json_each(?), (SELECT * FROM builds ORDER BY sequence DESC LIMIT 1)`,
  );
  inPages(
    [...turns].map(([key, turn]) => ({ key, turn })),
    "INSERT OR REPLACE INTO clients (key, turn) SELECT value ->> 'key', value ->> 'turn' FROM json_each(?)",
  );
  return copies.map(({ hash }) => hash);
}

/** Builds that ended before, with their leases and votes, which are kept for 90 days. */
export function addEnded({ sql }: DurableObjectStorage, count: number, nodes: number): void {
  const series = 'WITH RECURSIVE more(at) AS (SELECT 1 UNION ALL SELECT at + 1 FROM more WHERE at < ?)';
  sql.exec(
    `${series} INSERT INTO builds (request_hash, intent_hash, generation, state, request, echo, conditions, upstream_digest,
       enqueued_at, not_before, attempts, started_at, finished_at)
     SELECT 'ended-' || at, 'ended-' || at, 1, 'done', request, echo, conditions, upstream_digest,
       enqueued_at - 60000 - at, 0, 1, enqueued_at - 40000 - at, enqueued_at - at
     FROM more, (SELECT * FROM builds LIMIT 1)`,
    count,
  );
  sql.exec(
    `${series} INSERT INTO leases (id, request_hash, node_id, idempotency_key, attempt, state, pins, granted_at, expires_at,
       deadline_at, end_reason)
     SELECT 'ended-' || at, 'ended-' || at, 'crowd-' || (at % ${nodes}), 'ended-' || at, 1, 'ended', pins, granted_at, expires_at,
       deadline_at, 'image reported'
     FROM more, (SELECT * FROM leases LIMIT 1)`,
    count,
  );
  sql.exec(
    `${series} INSERT INTO votes (request_hash, operator, node_id, tier, lease_id, outcome, digest, at, verdict)
     SELECT 'ended-' || at, 'operator of crowd-' || (at % ${nodes}), 'crowd-' || (at % ${nodes}), 'trusted', 'ended-' || at,
       'image', 'd', at, 'right'
     FROM more`,
    count,
  );
}

/** The images of those builds: published, asked for a moment ago, each known as one that may be built again to check a node. */
export function addImages({ sql }: DurableObjectStorage, count: number): void {
  const series = 'WITH RECURSIVE more(at) AS (SELECT 1 UNION ALL SELECT at + 1 FROM more WHERE at < ?)';
  sql.exec(
    `${series} INSERT INTO images (request_hash, intent_hash, lease_id, bytes, is_private, served_at, state)
     SELECT 'ended-' || at, 'ended-' || at, 'ended-' || at, 20000000, 0, ? + at, 'kept' FROM more`,
    count,
    Date.now(),
  );
  sql.exec(
    `${series} INSERT INTO known_images (request_hash, word, branch, target, image_builder, inputs, digest, node_id, operator, place, at)
     SELECT 'ended-' || at, 'trusted', '24.10', 'demo/generic', 'ImageBuilder ' || (at % 50), 'i', 'd', 'crowd-0',
       'operator of crowd-0', abs(random() % 2147483648), ?
     FROM more`,
    count,
    Date.now(),
  );
}
