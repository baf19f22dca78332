/** What the Foreman's rooms share: its tables, its configuration, and the ways out to the catalogue, the store and KV. */
import type { EdgeSettings } from '../../shared/edge-settings.ts';
import type { CatalogueReader } from '../catalogue/read.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { BucketHold } from './bucket-hold.ts';
import { CallableNodes } from './callable-nodes.ts';
import { Checks } from './checks.ts';
import type { Database } from './database.ts';
import { FarmSize } from './farm-size.ts';
import { Images } from './images.ts';
import { KeptRequests } from './kept-requests.ts';
import { KnownImages } from './known-images.ts';
import { Leases } from './leases.ts';
import { NameRegister } from './names.ts';
import { NodeLists } from './node-lists.ts';
import { Nodes } from './nodes.ts';
import type { Notary } from './notary.ts';
import { Operators } from './operators.ts';
import { Phases } from './phases.ts';
import { Prebuilds } from './prebuilds.ts';
import { PublicationLog } from './publication-log.ts';
import { Queue } from './queue.ts';
import { Reproducibility } from './reproducibility.ts';
import { Statements } from './statements.ts';
import { Statistics } from './statistics.ts';
import { Uploads } from './uploads.ts';
import { Votes } from './votes.ts';

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
  readonly cache: KVNamespace;
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
