/** Asks a question now and then, but only while the page is looked at. The last answer stays when the next one does not come. */
import { useEffect, useState } from 'preact/hooks';
import { ask } from '../api/ask.ts';
import { MESSAGES } from '../messages.ts';
import type { Question } from './questions.ts';

export interface Watched<Answer> {
  readonly answer: Answer | null;
  /** When that came. */
  readonly at: Date | null;
  /** Why the last try gave none; null: it did. */
  readonly problem: string | null;
}

/** `question`: the same one each time. */
export function useWatched<Answer>(question: Question<Answer>): Watched<Answer> {
  const [watched, setWatched] = useState<Watched<Answer>>({ answer: null, at: null, problem: null });
  useEffect(() => {
    const gone = new AbortController();
    let next: ReturnType<typeof setTimeout> | undefined;
    let isAsking = false;
    let askedMs = -Infinity;

    const askNow = async (): Promise<void> => {
      if (isAsking || document.hidden) return;
      isAsking = true;
      clearTimeout(next);
      try {
        const { body } = await ask<unknown>(question.path, {
          signal: gone.signal,
          accepted: question.accepted ?? [],
        });
        if (!question.isAnswer(body)) throw new Error(MESSAGES.server.strange);
        setWatched({ answer: body, at: new Date(), problem: null });
      } catch (error) {
        if (gone.signal.aborted) return;
        setWatched((before) => ({ ...before, problem: (error as Error).message }));
      }
      isAsking = false;
      askedMs = Date.now();
      next = setTimeout(askNow, question.everyMs);
    };
    const onShown = (): void => {
      if (Date.now() - askedMs >= question.everyMs) void askNow();
    };
    const onOnline = (): void => void askNow();
    void askNow();
    document.addEventListener('visibilitychange', onShown);
    addEventListener('online', onOnline);
    return () => {
      gone.abort();
      clearTimeout(next);
      document.removeEventListener('visibilitychange', onShown);
      removeEventListener('online', onOnline);
    };
  }, [question]);
  return watched;
}
