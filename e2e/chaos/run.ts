/** One run: the world is opened and warmed, the storm goes over it and its visitors, everything settles, and is looked through. */
import { setTimeout as sleep } from 'node:timers/promises';
import { storedNames } from '../evidence/stored-names.ts';
import type { Finding } from './audit/finding.ts';
import { auditForeman } from './audit/foreman.ts';
import { auditImages } from './audit/images.ts';
import { auditNodes, auditProcesses, auditTemporary } from './audit/leftovers.ts';
import { auditMemory, whatIsHeld } from './audit/memory.ts';
import { auditStore } from './audit/store.ts';
import { readCatalogue } from './catalogue.ts';
import { openLedger } from './ledger.ts';
import { goRounds } from './operator-rounds.ts';
import type { ChaosOptions } from './options.ts';
import { chaosPlan, NODES } from './plan.ts';
import type { Report } from './report.ts';
import { settle } from './settle.ts';
import { type Befallen, storm } from './storm.ts';
import { untilIdle } from './until-idle.ts';
import { type VisitEnd, type VisitPlace, visit } from './visit.ts';
import { keyOf, WISH_KINDS, type WishKind } from './wishes.ts';
import { BUCKET, openWorld, type World } from './world.ts';

/** Enough for every node to have fetched its ImageBuilder and built: all bits are in no other wish's way. */
const WARM_UP_KINDS: readonly WishKind[] = ['image', 'script', 'clash', 'too big', 'image', 'image', 'script', 'image'];

/** `tell`: how it goes, for who watches. Told to stop, it ends everything and reports what it has. */
export async function runChaos(
  { seed, minutes }: ChaosOptions,
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<Report> {
  const plan = chaosPlan(seed, Math.round(minutes * 60_000));
  const ledger = openLedger();
  const befallen: Befallen[] = [];
  const ends: VisitEnd[] = [];
  let [begun, undrained, isWhole] = [0, () => 0, false];
  const findings: Finding[] = [];
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);

  tell('starting the demo mirror, an S3 store, workerd, two trusted nodes and two volunteers');
  const world = await openWorld({ onAnswer: ledger.hear, onDeath: ledger.wrong });
  try {
    undrained = goRounds(
      world.edgeUrl,
      ({ name, state, wrong }) => ledger.wrong(`${name} is honest, and is ${state} with ${wrong} wrong images`),
      either,
    ).undrained;
    const catalogue = await readCatalogue(world.edgeUrl, world.mirrorUrl);
    const place: VisitPlace = { serverUrl: world.visitorsUrl, catalogue, ledger };
    const come = async (one: Parameters<typeof visit>[0]) => {
      begun += 1;
      ends.push(await visit(one, place, either));
    };

    tell('warming up');
    await Promise.all(
      WARM_UP_KINDS.map((kind, n) => come({ client: 'owut', leaves: false, wish: { kind, packages: 255 - n } })),
    );
    await untilIdle(world, signal);
    const warm = await whatIsHeld(world);

    tell(`${plan.faults.length} faults and ${plan.visits.length} visits in ${minutes} minutes`);
    const startedAt = Date.now();
    const visiting = plan.visits.map(async ({ atMs, ...one }) => {
      await sleep(atMs, undefined, { signal }).catch(() => undefined);
      if (!signal.aborted) await come(one);
    });
    await storm(
      world,
      plan.faults,
      {
        onFault: (fault) => {
          befallen.push(fault);
          tell(describeFault(fault, Date.now() - startedAt));
        },
        onTrouble: (told) => ledger.wrong(`the weather could not be made: ${told}`),
      },
      signal,
    );

    tell('everything is whole again; waiting until whatever was accepted has ended');
    const waiting = () => begun - ends.length;
    const settling = { serverUrl: world.visitorsUrl, ledger, waiting };
    await settle(settling, signal);
    // Of what ended by a fault of ours and was nobody's any more: asked for again, it must be there.
    const wishes = new Map([...ledger.accepted.values()].map((wish) => [keyOf(wish), wish]));
    for (const [key, wish] of wishes) {
      const isAnswered = WISH_KINDS[wish.kind].failures ? ledger.refused : ledger.granted;
      if (!isAnswered.has(key)) void come({ client: 'owut', leaves: false, wish });
    }
    const ended = await settle(settling, signal);
    if (!signal.aborted) {
      await Promise.all(visiting);
      await untilIdle(world, signal);
      tell(`looking through ${ended.size} builds, and what is left of them`);
      findings.push(...auditMemory(warm, await whatIsHeld(world)));
      findings.push(
        await auditImages(
          world.visitorsUrl,
          ledger,
          [...ended].flatMap(([hash, end]) => (end === 'image' ? [hash] : [])),
        ),
      );
      over.abort();
      findings.push(...(await auditStopped(world)));
      isWhole = true;
    }
  } finally {
    over.abort();
    tell('stopping everything');
    await world.stop();
  }
  const visits = { image: 0, refused: 0, left: 0, stopped: 0, waiting: begun - ends.length };
  for (const end of ends) visits[end] += 1;
  return { seed, minutes, befallen, visits, ledger, undrained: undrained(), findings, isWhole };
}

/** What can be seen only where nobody works any more. */
async function auditStopped(world: World): Promise<readonly Finding[]> {
  const names = await storedNames(world.s3, BUCKET, '');
  await Promise.all([...NODES, 'edge' as const].map((name) => world.parts.get(name)?.stop()));
  const rows = await auditForeman(world.directory);
  return [
    rows.finding,
    auditStore(names, rows),
    await auditNodes(world),
    await auditTemporary(world),
    auditProcesses(world),
  ];
}

const describeFault = ({ fault, target, startMs, endMs, happened }: Befallen, sinceMs: number): string =>
  `${(sinceMs / 1000).toFixed(0).padStart(5)} s  ${fault} ${target} for ${((endMs - startMs) / 1000).toFixed(1)} s${happened === 'happened' ? '' : `: ${happened}`}`;
