/**
 * Finds what somebody types in thousands of names, at each key. All words must be there, in any order; what begins with what was
 * typed comes first. Plain text: no sign in it is a pattern.
 */
export interface Named {
  /** What is searched. */
  readonly text: string;
}

export interface Found<T> {
  /** The best ones, at most as many as were wanted. */
  readonly rows: readonly T[];
  readonly total: number;
}

const lowerCase = new WeakMap<readonly Named[], readonly string[]>();

function lowerCaseOf(all: readonly Named[]): readonly string[] {
  const known = lowerCase.get(all);
  if (known) return known;
  const texts = all.map(({ text }) => text.toLowerCase());
  lowerCase.set(all, texts);
  return texts;
}

export function search<T extends Named>(all: readonly T[], typed: string, atMost: number): Found<T> {
  const wanted = typed.toLowerCase().trim();
  const words = wanted.split(/\s+/);
  const ranked: T[][] = [[], [], [], []];
  let total = 0;
  for (const [index, text] of lowerCaseOf(all).entries()) {
    if (!words.every((word) => text.includes(word))) continue;
    total += 1;
    const rank = rankOf(text, wanted);
    // Of each rank no more than could be shown.
    if ((ranked[rank]?.length ?? 0) < atMost) ranked[rank]?.push(all[index] as T);
  }
  return { rows: ranked.flat().slice(0, atMost), total };
}

/** The name itself, its beginning, the beginning of a word in it, anywhere. */
function rankOf(text: string, wanted: string): number {
  const at = text.indexOf(wanted);
  if (at === 0) return text.length === wanted.length ? 0 : 1;
  return at > 0 && /[\s_./-]/.test(text.charAt(at - 1)) ? 2 : 3;
}
