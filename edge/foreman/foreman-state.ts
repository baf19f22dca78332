/** What the Foreman's rooms share: its tables, its configuration, and the ways out to the catalogue, the store and KV. */
import type { EdgeSettings } from '../../shared/edge-settings.ts';
import type { CatalogueReader } from '../catalogue/read.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { BucketHold } from './bucket-hold.ts';
import type { Database } from './database.ts';
import { Images } from './images/images.ts';
import { Leases } from './leases/leases.ts';
import { Uploads } from './leases/uploads.ts';
import { CallableNodes } from './nodes/callable-nodes.ts';
import { NodeLists } from './nodes/node-lists.ts';
import { Nodes } from './nodes/nodes.ts';
import { Operators } from './nodes/operators.ts';
import { Prebuilds } from './prebuilds/prebuilds.ts';
import { NameRegister } from './publishing/names.ts';
import type { NearCache } from './publishing/near-cache.ts';
import type { Notary } from './publishing/notary.ts';
import { PublicationLog } from './publishing/publication-log.ts';
import { FarmSize } from './queue/farm-size.ts';
import { KeptRequests } from './queue/kept-requests.ts';
import { Queue } from './queue/queue.ts';
import { Phases } from './statistics/phases.ts';
import { Statistics } from './statistics/statistics.ts';
import { Checks } from './trust/checks.ts';
import { KnownImages } from './trust/known-images.ts';
import { Reproducibility } from './trust/reproducibility.ts';
import { Statements } from './trust/statements.ts';
import { Votes } from './trust/votes.ts';

export interface ForemanState {
  readonly db: Database;
  readonly hold: BucketHold;
  readonly queue: Queue;
  readonly kept: KeptRequests;
  readonly leases: Leases;
  readonly names: NameRegister;
  readonly nodes: Nodes;
  readonly nodeLists: NodeLists;
  readonly callableNodes: CallableNodes;
  readonly farmSize: FarmSize;
  readonly operators: Operators;
  readonly reproducibility: Reproducibility;
  readonly checks: Checks;
  readonly knownImages: KnownImages;
  readonly prebuilds: Prebuilds;
  readonly phases: Phases;
  readonly images: Images;
  readonly uploads: Uploads;
  readonly votes: Votes;
  readonly statements: Statements;
  readonly log: PublicationLog;
  readonly notary: Notary;
  /** Key for what may hold secrets. */
  readonly sealing: Uint8Array;
  readonly statistics: Statistics;
  readonly config: EdgeSettings;
  readonly catalogue: CatalogueReader;
  readonly store: ObjectStore;
  readonly cache: NearCache;
}

/** `name`: of this Foreman among those of its edge, of which there is one. */
export function foremanState(
  db: Database,
  config: EdgeSettings,
  ways: Pick<ForemanState, 'catalogue' | 'store' | 'cache' | 'notary' | 'sealing'>,
  name = 'foreman',
): ForemanState {
  const times = { leaseMs: config.LEASE_SECONDS * 1000, buildMs: config.BUILD_SECONDS * 1000 };
  // Of several each would have a room of its own in the bucket.
  const room = name === 'foreman' ? '' : `foremen/${name}/`;
  const queue = new Queue(db);
  const leases = new Leases(db, times);
  const nodes = new Nodes(db);
  const statistics = new Statistics(db, queue);
  return {
    db,
    hold: new BucketHold(db, ways.store, config, room),
    queue,
    kept: new KeptRequests(db, room),
    leases,
    names: new NameRegister(db, queue),
    nodes,
    nodeLists: new NodeLists(db),
    callableNodes: new CallableNodes(db),
    farmSize: new FarmSize(nodes, leases, queue),
    operators: new Operators(db),
    reproducibility: new Reproducibility(db),
    checks: new Checks(db),
    knownImages: new KnownImages(db),
    phases: new Phases(),
    prebuilds: new Prebuilds(db, () => config.PREBUILDS_A_RELEASE > 0 && statistics.hasWishes()),
    images: new Images(db),
    uploads: new Uploads(db),
    votes: new Votes(db),
    statements: new Statements(db),
    log: new PublicationLog(db),
    statistics,
    config,
    ...ways,
  };
}
