/** What the proxy did since it was started, for whoever shows it. */
export interface ProxyCounters {
  /** Requests of builds that were answered without asking upstream. */
  hits: number;
  /** Requests whose file was fetched from upstream. */
  misses: number;
  /** Misses that shared another's fetch. */
  collapsed: number;
  /** Requests for what is not in a door's feeds. */
  refused: number;
  /** Requests that ended without the file, by the mirror's fault or ours. */
  failed: number;
  /** Unpinned indexes that were served as they were last seen, since nobody answered. */
  stale: number;
  bytesFromCache: number;
  bytesFetched: number;
}

export const noCounts = (): ProxyCounters => ({
  hits: 0,
  misses: 0,
  collapsed: 0,
  refused: 0,
  failed: 0,
  stale: 0,
  bytesFromCache: 0,
  bytesFetched: 0,
});
