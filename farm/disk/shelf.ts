/**
 * Something on this node's disk that keeps things for later and can do without any one of them: ImageBuilders, packages,
 * downloads, workspaces. One interface, so that one budget can weigh them against each other.
 */
export interface ShelfEntry {
  readonly name: string;
  readonly bytes: number;
  readonly lastUsedMs: number;
  /** By somebody at this moment: must not be removed. */
  readonly inUse: boolean;
}

export interface Shelf {
  /** For sentences: `ImageBuilders`. */
  readonly name: string;
  entries(): Promise<readonly ShelfEntry[]>;
  /** @throws Error where it came into use meanwhile, or cannot be removed */
  remove(name: string): Promise<void>;
}
