/** A part of the status view that stands on one question: what came of it, or why nothing did. The others do not depend on it. */
import type { ComponentChildren, VNode } from 'preact';
import { timeOfDay } from '../format.ts';
import { MESSAGES } from '../messages.ts';
import type { Watched } from './use-watched.ts';

const { status } = MESSAGES;

interface Props<Answer> {
  readonly title: string;
  readonly note?: string;
  readonly asked: Watched<Answer>;
  /** Over the whole width. */
  readonly isWide?: boolean;
  readonly children: (answer: Answer) => ComponentChildren;
}

export function Section<Answer>({ title, note, asked, isWide = false, children }: Props<Answer>): VNode {
  return (
    <section class={isWide ? 'wide' : undefined} aria-label={title}>
      <h2>{title}</h2>
      {note !== undefined && <p class="quiet small">{note}</p>}
      <Answered asked={asked}>{children}</Answered>
    </section>
  );
}

export function Answered<Answer>({ asked, children }: Pick<Props<Answer>, 'asked' | 'children'>): VNode {
  const { answer, at, problem } = asked;
  if (answer === null || at === null)
    return problem === null ? <p class="quiet">{status.asking}</p> : <p class="error">{problem}</p>;
  return (
    <>
      {problem !== null && <p class="warning small">{status.stale(timeOfDay(at), problem)}</p>}
      {children(answer)}
    </>
  );
}
