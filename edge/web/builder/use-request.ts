/** The request for a build, from the button to an address or an error. Only one is under way, and it can be stopped. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { Problem } from '../../../shared/api/problem.ts';
import type { AskError } from '../api/ask.ts';
import { goTo } from '../location.ts';
import { type FieldErrors, requestBuild, type Wish } from './request-build.ts';

export interface Request {
  readonly isAsking: boolean;
  readonly away: AskError | null;
  readonly problem: Problem | null;
  readonly errors: FieldErrors;
  /** How often something was refused, here or by the server. */
  readonly refusals: number;
  readonly send: (wish: Wish) => void;
  readonly refuse: () => void;
  /** Stops what is under way, and what was refused counts no more. */
  readonly forget: () => void;
}

interface Known {
  readonly subject: string;
  readonly isAsking: boolean;
  readonly away: AskError | null;
  readonly problem: Problem | null;
  readonly errors: FieldErrors;
}

const NOTHING = { isAsking: false, away: null, problem: null, errors: {} } as const;

/** `subject`: all that was chosen, as text. What became of another choice counts no more, and is asked for no longer. */
export function useRequest(subject: string): Request {
  const [known, setKnown] = useState<Known>({ subject, ...NOTHING });
  const [refusals, setRefusals] = useState(0);
  const running = useRef<{ readonly stop: AbortController; readonly subject: string } | null>(null);
  const refuse = useCallback(() => setRefusals((count) => count + 1), []);
  const forget = useCallback(() => {
    running.current?.stop.abort();
    running.current = null;
    setKnown({ subject: '', ...NOTHING });
  }, []);
  useEffect(() => {
    if (running.current && running.current.subject !== subject) forget();
  }, [subject, forget]);
  useEffect(() => () => running.current?.stop.abort(), []);

  const send = (wish: Wish): void => {
    if (running.current) return;
    const stop = new AbortController();
    running.current = { stop, subject };
    const tell = (change: Partial<Known>): void => setKnown({ subject, ...NOTHING, ...change });
    tell({ isAsking: true });
    requestBuild(wish, (away) => tell({ isAsking: true, away }), stop.signal).then(
      (requested) => {
        if (stop.signal.aborted) return;
        running.current = null;
        if (requested.state === 'accepted') return goTo(`/build/${requested.hash}`);
        tell({ problem: requested.problem, errors: requested.errors });
        refuse();
      },
      (error: unknown) => {
        if (!stop.signal.aborted) throw error;
      },
    );
  };
  return { ...(known.subject === subject ? known : NOTHING), refusals, send, refuse, forget };
}
