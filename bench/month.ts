/**
 * `npm run bench -- --month`: a month of requests, answered by our identity and freshness and, beside it, by hashes that
 * live for a day. The same figures on every machine. What is modelled and what is not: docs/benchmarks.md.
 */
import type { Conditions } from '../shared/request/conditions.ts';
import { targetOf } from './month/devices.ts';
import { DAY, MONTH, TRACKS } from './month/parameters.ts';
import { type Router, Routers, versionAt } from './month/routers.ts';
import {
  type Answer,
  digest,
  literalServer,
  ourServer,
  peerServer,
  type Question,
  type Server,
} from './month/servers.ts';
import { type Documents, Upstream } from './month/upstream.ts';
import { seeded } from './random.ts';

/** Servers that were asked, and how often each kind of answer was given. */
type Asked = { readonly server: Server; readonly whole: Tally; readonly byTrack: ReadonlyMap<string, Tally> };

class Tally {
  readonly counts = { 'at once': 0, joined: 0, built: 0, refused: 0, stale: 0, needless: 0 };

  add(answer: Answer): void {
    this.counts[answer.kind]++;
    if (answer.kind === 'refused') return;
    if (answer.isStale) this.counts.stale++;
    if (answer.isNeedless) this.counts.needless++;
  }
}

export function simulateMonth(print: (line: string) => void): void {
  const random = seeded(MONTH.seed);
  const upstream = new Upstream(random);
  const routers = new Routers(random);
  const servers: readonly Asked[] = [ourServer, peerServer, literalServer].map((open) => ({
    server: open(upstream),
    whole: new Tally(),
    byTrack: new Map(TRACKS.map(({ name }) => [name, new Tally()])),
  }));
  const wishes = new Set<string>();
  for (let number = 0; number < MONTH.requests; number++) {
    const at = ((number + random()) * MONTH.days * DAY) / MONTH.requests;
    const router = routers.router(Math.floor(random() * MONTH.routers));
    const question = questionOf(routers, upstream, router, at);
    wishes.add(question.wish);
    for (const { server, whole, byTrack } of servers) {
      const answer = server.ask(question);
      whole.add(answer);
      byTrack.get(router.track.name)?.add(answer);
    }
  }
  report(servers, wishes.size, print);
}

function questionOf(routers: Routers, upstream: Upstream, router: Router, at: number): Question {
  const version = versionAt(router.track, at);
  const { places, without } = routers.selectionOf(router);
  const contents = once(() => upstream.contents(version, router.profile, places, without));
  const asked = routers.body(router, version);
  const spelling = JSON.stringify(asked);
  const target = targetOf(router.profile);
  const conditions = (view: Documents) => conditionsOf(router, asked.packages, view);
  return {
    at,
    version,
    target,
    wish: routers.wish(router, version),
    contents,
    outdatedFrom: once(() => upstream.outdatedFrom(contents(), at)),
    asked,
    spelling,
    digest: digest(spelling),
    client: router.clientText,
    conditions,
    conditionsNow: once(() => conditions(upstream.documents(version, target, at))),
  };
}

function once<T>(work: () => T): () => T {
  let done: { readonly result: T } | undefined;
  return () => {
    done ??= { result: work() };
    return done.result;
  };
}

function conditionsOf({ client }: Router, packages: readonly string[], { target, arch }: Documents): Conditions {
  const packages_versions: Record<string, string> = {};
  if (client.saysPackageVersions)
    for (const name of packages) packages_versions[name] = target.packages[name] ?? arch.packages[name] ?? '';
  return { version_code: client.saysRevision ? target.versionCode : '', packages_versions };
}

function report(servers: readonly Asked[], wishes: number, print: (line: string) => void): void {
  const row = (name: string, cells: readonly string[]) =>
    print(name.padEnd(34) + cells.map((cell) => cell.padStart(14)).join(''));
  const count = (name: string, of: (asked: Asked) => number) =>
    row(
      name,
      servers.map((asked) => of(asked).toLocaleString('en')),
    );
  const share = (name: string, of: (asked: Asked) => number) =>
    row(
      name,
      servers.map((asked) => `${(of(asked) * 100).toFixed(2)} %`),
    );
  print(
    `${MONTH.requests.toLocaleString('en')} requests of ${MONTH.routers.toLocaleString('en')} routers in ${MONTH.days} days, ${wishes.toLocaleString('en')} different wishes, seed ${MONTH.seed}`,
  );
  print('');
  row(
    '',
    servers.map(({ server }) => server.name),
  );
  share('answered at once', ({ whole }) => whole.counts['at once'] / MONTH.requests);
  share('joined a build that ran', ({ whole }) => whole.counts.joined / MONTH.requests);
  count('builds', ({ whole }) => whole.counts.built);
  count('  of them while a right image was there', ({ whole }) => whole.counts.needless);
  count('stale images handed out', ({ whole }) => whole.counts.stale);
  count('refused: upstream had just moved', ({ whole }) => whole.counts.refused);
  row(
    'names for one wish',
    servers.map(({ server }) => (server.identities() / wishes).toFixed(2)),
  );
  for (const { name } of TRACKS) {
    print('');
    const of = (asked: Asked) => (asked.byTrack.get(name) as Tally).counts;
    const all = ({ 'at once': hits, joined, built, refused }: Tally['counts']) => hits + joined + built + refused;
    share(`${name}: at once`, (asked) => of(asked)['at once'] / all(of(asked)));
    count(`${name}: builds`, (asked) => of(asked).built);
    count(`${name}: stale`, (asked) => of(asked).stale);
  }
}
