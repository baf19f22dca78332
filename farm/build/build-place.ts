/** Where one build's commands run: its workspace, its tree, its way to packages, and the fence around all that. */
import type { Server } from 'node:net';
import type { Bounds } from '../fence/bounds.ts';
import type { Fence } from '../fence/fence.ts';
import { insideOf } from '../fence/fenced-command.ts';
import type { Workspace } from './workspace.ts';

export interface BuildPlace {
  readonly workspace: Workspace;
  readonly fence: Fence;
  /** What the tree is an overlay of; null: it is a copy. */
  readonly lower: string | null;
  /** Laid over that. */
  readonly over: string | null;
  /** The door to the package proxy; null: no network at all in a fence. */
  readonly serve: ((listener: Server) => () => void) | null;
  readonly bounds: Bounds;
  /** What it takes of the disk, each time that somebody looked. */
  readonly onDiskBytes?: ((bytes: number) => void) | undefined;
}

/** A path of the workspace as the build's commands know it. */
export const asSeen = ({ fence, workspace }: BuildPlace, file: string): string =>
  fence.host === null ? file : insideOf(workspace.directory, file);
