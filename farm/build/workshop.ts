/**
 * What all builds of a node share: its ImageBuilders, its way to packages, its disk, its fence. Opened once for a state
 * directory; what a crash left there, and nobody takes up, is removed first, so nobody else may work in it (farm/disk/state-lock.ts).
 */
import { mkdir } from 'node:fs/promises';
import { totalmem } from 'node:os';
import type { FeedOptIn } from '../../shared/trust/foreign-feeds.ts';
import { DiskBudget } from '../disk/disk-budget.ts';
import { WorkspaceShelf } from '../disk/workspace-shelf.ts';
import { type Bounds, defaultBounds } from '../fence/bounds.ts';
import { type Fence, probeFence } from '../fence/fence.ts';
import type { DownloadLimits } from '../imagebuilder/download.ts';
import { DownloadShelf } from '../imagebuilder/download-shelf.ts';
import { ImageBuilderShelf } from '../imagebuilder/imagebuilder-shelf.ts';
import { ImageBuilderSupply } from '../imagebuilder/imagebuilder-supply.ts';
import type { SupplyTrust } from '../imagebuilder/verified-sums.ts';
import { PackageProxy } from '../packages/package-proxy.ts';
import { warmInWorkspace } from './warm-in-workspace.ts';
import { checkStateDirectory, removeWorkspace, removeWorkspaces } from './workspace.ts';

export interface WorkshopOptions {
  readonly stateDirectory: string;
  /** Leases whose workspaces stay, because what lies there is still to be uploaded. */
  readonly keep?: readonly string[];
  readonly trust: SupplyTrust;
  readonly diskBytes: number;
  /** Stays free on that disk whatever the budget. */
  readonly reserveBytes: number;
  readonly bounds?: Bounds;
  /** Absent: whatever this machine can. */
  readonly fence?: Fence;
  /** Absent: nothing is known of where they may lead. */
  readonly foreignFeeds?: FeedOptIn;
  /** Hosts inside to which a mirror inside may redirect. */
  readonly mirrorRedirectsTo: readonly string[];
  readonly downloadLimits?: Partial<DownloadLimits> | undefined;
  readonly onImageBuilderBytes?: ((bytes: number) => void) | undefined;
  /** For the node's log. */
  readonly tell: (line: string) => void;
}

export class Workshop {
  readonly stateDirectory: string;
  readonly fence: Fence;
  readonly bounds: Bounds;
  readonly supply: ImageBuilderSupply;
  readonly imageBuilders: ImageBuilderShelf;
  readonly packages: PackageProxy;
  readonly budget: DiskBudget;
  readonly workspaces: WorkspaceShelf;
  readonly tell: (line: string) => void;

  private constructor(parts: Pick<Workshop, Shared>) {
    this.stateDirectory = parts.stateDirectory;
    this.fence = parts.fence;
    this.bounds = parts.bounds;
    this.supply = parts.supply;
    this.imageBuilders = parts.imageBuilders;
    this.packages = parts.packages;
    this.budget = parts.budget;
    this.workspaces = parts.workspaces;
    this.tell = parts.tell;
  }

  static async open(options: WorkshopOptions): Promise<Workshop> {
    const { stateDirectory, tell, mirrorRedirectsTo } = options;
    checkStateDirectory(stateDirectory);
    await mkdir(stateDirectory, { recursive: true, mode: 0o700 });
    await removeWorkspaces(stateDirectory, tell, options.keep);
    const imageBuilders = new ImageBuilderShelf(stateDirectory);
    const downloads = new DownloadShelf(stateDirectory);
    await imageBuilders.sweep(tell);
    await downloads.sweep((sha256) => imageBuilders.has(sha256), tell);

    const fence = options.fence ?? (await probeFence(stateDirectory));
    const bounds = options.bounds ?? defaultBounds(totalmem());
    const packages = await PackageProxy.start({
      stateDirectory,
      foreignFeeds: options.foreignFeeds,
      mirrorRedirectsTo,
      limits: options.downloadLimits,
      makeRoom: (bytes) => budget.makeRoom(bytes),
    });
    const workspaces = new WorkspaceShelf(stateDirectory);
    for (const leaseId of options.keep ?? []) workspaces.occupy(leaseId);
    const budget = new DiskBudget([imageBuilders, downloads, packages.store, workspaces], {
      bytes: options.diskBytes,
      reserveBytes: options.reserveBytes,
      directory: stateDirectory,
      tell,
    });
    const supply = new ImageBuilderSupply({
      shelf: imageBuilders,
      downloads,
      trust: options.trust,
      budget,
      mirrorRedirectsTo,
      downloadLimits: options.downloadLimits,
      onDownloaded: options.onImageBuilderBytes,
      warm: (tree, signal) =>
        warmInWorkspace(tree, {
          ...{ stateDirectory, fence, bounds, signal, tell },
          occupy: (leaseId) => workspaces.occupy(leaseId),
          release: (leaseId) => workspaces.giveUp(leaseId),
        }),
    });
    return new Workshop({ stateDirectory, fence, bounds, supply, imageBuilders, packages, budget, workspaces, tell });
  }

  /** To be called when the build's files are uploaded, or nobody wants them. */
  async removeWorkspace(leaseId: string): Promise<void> {
    // Given up first: what cannot be removed now may be later, when room is needed.
    this.workspaces.giveUp(leaseId);
    await removeWorkspace(this.stateDirectory, leaseId);
  }

  /** Something that went wrong beside the matter: for the log, and nobody has to wait for it. */
  readonly tellFault = (error: unknown): void => this.tell(`on the way: ${(error as Error)?.message}`);

  async close(): Promise<void> {
    await this.packages.close();
  }
}

type Shared =
  | 'stateDirectory'
  | 'fence'
  | 'bounds'
  | 'supply'
  | 'imageBuilders'
  | 'packages'
  | 'budget'
  | 'workspaces'
  | 'tell';
