/** A build as somebody sees it who has its address: where it is, what it prints, and whether the server is there. */
import { useEffect, useState } from 'preact/hooks';
import type { AskError } from '../api/ask.ts';
import { type BuildAnswer, followBuild } from './follow-build.ts';

export interface SeenBuild {
  /** The last that was told; null before anything was. */
  readonly answer: BuildAnswer | null;
  readonly isUnknown: boolean;
  readonly away: AskError | null;
  readonly log: string;
}

const NOTHING: SeenBuild = { answer: null, isUnknown: false, away: null, log: '' };

/** A node's log ends at 1 MiB. */
const MAX_LOG = 1_200_000;

export function useBuild(hash: string): SeenBuild {
  const [seen, setSeen] = useState(NOTHING);
  useEffect(() => {
    const stop = new AbortController();
    const tell = (change: (before: SeenBuild) => SeenBuild): void => {
      if (!stop.signal.aborted) setSeen(change);
    };
    setSeen(NOTHING);
    void followBuild(
      hash,
      {
        build: (answer) => tell((before) => ({ ...before, answer, away: null })),
        log: (lines) => tell((before) => ({ ...before, log: `${before.log}${lines}\n`.slice(-MAX_LOG) })),
        restart: () => tell((before) => ({ ...before, log: '' })),
        away: (away) => tell((before) => ({ ...before, away })),
        unknown: () => tell((before) => ({ ...before, isUnknown: true, away: null })),
      },
      stop.signal,
    );
    return () => stop.abort();
  }, [hash]);
  return seen;
}
