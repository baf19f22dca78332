/** What was promised to visitors, and what they were told since: written down as it is heard, and judged at once. */
import type { BuildErrorKind } from '../../shared/build/build-error.ts';
import { type Judgement, judgeAnswer } from './judge-answer.ts';
import type { HeardAnswer } from './watched-edge.ts';
import { keyOf, type Wish } from './wishes.ts';

export interface Ledger {
  hear(answer: HeardAnswer): void;
  /** Whatever else must not have been. */
  wrong(why: string): void;
  /** Builds that somebody was told of, by their hash. */
  readonly accepted: ReadonlyMap<string, Wish>;
  /** Of these, by hash, where a visitor was told that the image is there. */
  readonly images: ReadonlySet<string>;
  /** Wishes that have an image, and those that were truly said to have none. */
  readonly granted: ReadonlySet<string>;
  readonly refused: ReadonlySet<string>;
  /** Builds that ended by a fault of ours which was told as such. */
  readonly ours: ReadonlyMap<string, BuildErrorKind>;
  /** Answers by what they said. */
  readonly answers: ReadonlyMap<string, number>;
  /** Each once, with how often. */
  readonly wrongs: ReadonlyMap<string, number>;
}

export function openLedger(): Ledger {
  const accepted = new Map<string, Wish>();
  const [images, granted, refused] = [new Set<string>(), new Set<string>(), new Set<string>()];
  const ours = new Map<string, BuildErrorKind>();
  const [answers, wrongs] = [new Map<string, number>(), new Map<string, number>()];
  const wrong = (why: string) => count(wrongs, why);
  const hear = (answer: HeardAnswer) => {
    const judgement = judgeAnswer(answer, (hash) => accepted.get(hash));
    if (judgement.says === 'nothing') return;
    count(answers, labelOf(judgement));
    if (judgement.says === 'wrong') wrong(judgement.why);
    if (judgement.says === 'waits' || judgement.says === 'image') accepted.set(judgement.requestHash, judgement.wish);
    if (judgement.says === 'image') {
      images.add(judgement.requestHash);
      granted.add(keyOf(judgement.wish));
    }
    if (judgement.says === 'failure') refused.add(keyOf(judgement.wish));
    const hash = /\/build\/([0-9a-f]+)/.exec(answer.path)?.[1];
    if (judgement.says === 'ours' && judgement.ended && hash !== undefined) ours.set(hash, judgement.kind);
  };
  return { hear, wrong, accepted, images, granted, refused, ours, answers, wrongs };
}

function labelOf(judgement: Judgement): string {
  if (judgement.says === 'failure') return judgement.kind;
  if (judgement.says !== 'ours') return judgement.says;
  return `${judgement.kind} (${judgement.ended ? 'a build that ended' : `status ${judgement.status}`})`;
}

const count = (counts: Map<string, number>, name: string): void => void counts.set(name, (counts.get(name) ?? 0) + 1);
