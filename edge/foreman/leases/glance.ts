/**
 * A volunteer's first look at a page of builds: whatever a few columns tell to be for others now is passed over. In a large farm that is
 * nearly all that others have begun, each of which is drawn for one operator of hundreds, and to look at each as a whole took longer
 * than to give a hundred orders. What is left is looked at by the same rules (give-lease.ts); too much may be left, and never too little.
 */
import { type SQLWrapper, sql } from 'drizzle-orm';
import type { Try } from '../../../shared/node/lease.ts';
import { feedUrlsOf } from '../../../shared/trust/foreign-feeds.ts';
import { ruleFor } from '../../../shared/trust/policy.ts';
import type { ForemanState } from '../foreman-state.ts';
import type { WhoIsHere } from '../nodes/who-is-here.ts';
import { prepared } from '../prepared.ts';
import type { Candidate } from '../queue/waiting-line.ts';
import { builds, leases, type NodeRow, nodes, votes } from '../schema.ts';
import { isItsTurnAfter, isTry, triedBy } from './is-its-turn.ts';
import { isOfUse } from './is-of-use.ts';

type Glance = (page: readonly Candidate[], now: number) => ReadonlySet<string>;

/** Of one question for work. Returns which of a page are to be looked at. */
export function glanceOf(state: ForemanState, node: NodeRow, who: WhoIsHere): Glance {
  const { config, db, reproducibility } = state;
  const policy = config.TRUST_POLICY;
  const targets = new Map<string, boolean>();
  const isKnown = (version: string, target: string): boolean => {
    const name = `${version} ${target}`;
    const known = targets.get(name) ?? reproducibility.isKnown(version, target, policy);
    targets.set(name, known);
    return known;
  };

  return (page, now) => {
    const hashes = JSON.stringify(page.map(({ requestHash }) => requestHash));
    const votesOf = Map.groupBy(questionsOf(db).votes.all({ hashes }), ({ requestHash }) => requestHash);
    const triesOf = Map.groupBy(questionsOf(db).tries.all({ hashes }), ({ requestHash }) => requestHash);
    const mayBeForIt = (build: Head): boolean => {
      const request = { ...build, repositories: JSON.parse(build.repositories) as string[] };
      // Where no volunteer may build it any more, that is seen to when it is looked at.
      if (ruleFor(request, isKnown(build.version, build.target), policy).builders === 'trusted') return true;
      // That it is for volunteers still is taken for granted: it takes their records to know.
      const wanted = {
        ...{ build, policy, isForVolunteers: true },
        ...{ urls: feedUrlsOf(request), votes: votesOf.get(build.requestHash) ?? [] },
      };
      const tries = (triesOf.get(build.requestHash) ?? []).flatMap(tryOf);
      return isOfUse(node, wanted) && isItsTurnAfter(tries, node, wanted, who, now);
    };
    const heads = questionsOf(db).heads.all({ hashes });
    return new Set(heads.filter(mayBeForIt).map(({ requestHash }) => requestHash));
  };
}

const tryOf = ({ grantedAt, node, ...lease }: Ended): Try[] =>
  isTry(lease, node.tier) ? [{ by: triedBy(node), at: grantedAt }] : [];

type Questions = ReturnType<typeof questionsOf>;
type Head = ReturnType<Questions['heads']['all']>[number];
type Ended = ReturnType<Questions['tries']['all']>[number];

const isAmong = (hash: SQLWrapper) => sql`${hash} IN (SELECT value FROM json_each(${sql.placeholder('hashes')}))`;

const ofRequest = (field: string) => sql<string>`${builds.request} ->> ${sql.raw(`'${field}'`)}`;

/** One of each for a page, and not for a build. */
const questionsOf = prepared((db) => ({
  heads: db
    .select({
      requestHash: builds.requestHash,
      whom: builds.whom,
      draw: builds.draw,
      queuedAt: builds.queuedAt,
      version: ofRequest('version'),
      target: ofRequest('target'),
      defaultsMac: ofRequest('defaultsMac'),
      repositories: ofRequest('repositories'),
    })
    .from(builds)
    .where(isAmong(builds.requestHash))
    .prepare(),
  votes: db
    .select({
      requestHash: votes.requestHash,
      operator: votes.operator,
      network: votes.network,
      tier: votes.tier,
      at: votes.at,
    })
    .from(votes)
    .where(sql`${isAmong(votes.requestHash)} AND ${votes.verdict} = 'open'`)
    .prepare(),
  tries: db
    .select({
      requestHash: leases.requestHash,
      grantedAt: leases.grantedAt,
      endReason: leases.endReason,
      idempotencyKey: leases.idempotencyKey,
      lastSequence: leases.lastSequence,
      node: { id: nodes.id, operator: nodes.operator, tier: nodes.tier },
    })
    .from(leases)
    .innerJoin(nodes, sql`${nodes.id} = ${leases.nodeId}`)
    .where(isAmong(leases.requestHash))
    .prepare(),
}));
