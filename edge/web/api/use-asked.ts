/**
 * What a view needs of the server before it can be shown. What was asked once is there at once when the reader comes back to it; a
 * server that is away is asked again, ever more seldom, and as soon as the network is back.
 */
import { useCallback, useEffect, useState } from 'preact/hooks';
import { AskError, ask } from './ask.ts';
import { pause } from './pause.ts';

export type Asked<T> =
  | { readonly state: 'asking' }
  | { readonly state: 'ready'; readonly body: T }
  /** `isFinal`: to ask again would give the same. */
  | { readonly state: 'failed'; readonly error: AskError; readonly isFinal: boolean };

const ASKING = { state: 'asking' } as const;

/** An index has some 400 kB: those of a reader who compares a few devices. */
const MAX_KEPT = 24;
/** What is older is shown all the same, and asked for anew behind it. */
const FRESH_MS = 5 * 60_000;

const kept = new Map<string, { readonly body: unknown; readonly at: number }>();

const isFresh = (path: string): boolean => Date.now() - (kept.get(path)?.at ?? 0) < FRESH_MS;

function keep(path: string, body: unknown): void {
  kept.delete(path);
  kept.set(path, { body, at: Date.now() });
  const [oldest] = kept.keys();
  if (kept.size > MAX_KEPT && oldest !== undefined) kept.delete(oldest);
}

/** Null: there is nothing to ask yet. The second of the pair asks anew. */
export function useAsked<T>(path: string | null): readonly [Asked<T>, () => void] {
  const [told, setTold] = useState<{ readonly path: string; readonly asked: Asked<T> } | null>(null);
  const [round, setRound] = useState(0);
  useEffect(() => {
    if (path === null || (round === 0 && isFresh(path))) return;
    const stop = new AbortController();
    void askUntilTold<T>(path, stop.signal, (asked) => setTold({ path, asked }));
    return () => stop.abort();
  }, [path, round]);
  const again = useCallback(() => setRound((rounds) => rounds + 1), []);
  if (path === null) return [ASKING, again];
  if (told?.path === path) return [told.asked, again];
  const known = kept.get(path);
  return [known ? { state: 'ready', body: known.body as T } : ASKING, again];
}

async function askUntilTold<T>(path: string, signal: AbortSignal, tell: (asked: Asked<T>) => void): Promise<void> {
  for (let failures = 0; !signal.aborted; failures += 1) {
    try {
      const { body } = await ask<T>(path, { signal });
      keep(path, body);
      return tell({ state: 'ready', body });
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof AskError)) throw error;
      const isFinal = !isPassing(error);
      if (isFinal || !kept.has(path)) tell({ state: 'failed', error, isFinal });
      if (isFinal) return;
      await pause(failures, signal);
    }
  }
}

/** May the same question have an answer later? So it is with a login page of a network too, which comes with status 200. */
export const isPassing = ({ status }: AskError): boolean => status < 400 || status === 429 || status >= 500;
