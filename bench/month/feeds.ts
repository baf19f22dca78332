/** The feeds of the month, drawn before it begins: what needs what, and when something of it changes. */
import { FEED, MONTH } from './parameters.ts';

const FIRST_LIBRARY = FEED.popular;

/** Of each package: the days on which it gets a new version. */
export function changesOf(updatesADay: number, random: () => number): number[][] {
  const changes = Array.from({ length: FEED.packages }, (): number[] => []);
  for (let day = 0; day < MONTH.days; day++)
    for (let update = 0; update < updatesADay; update++) {
      const among = random() < FEED.shareOnPopular ? FEED.popular : FEED.packages;
      const days = changes[Math.floor(random() * among)];
      if (days && days.at(-1) !== day) days.push(day);
    }
  return changes;
}

/** Of each package: itself and all it needs. Libraries need libraries of a smaller number only, so the walk ends. */
export function closures(random: () => number): number[][] {
  const needs = Array.from({ length: FEED.packages }, (_, place) => {
    const libraries = place - FIRST_LIBRARY;
    const isLibrary = libraries >= 0 && libraries < FEED.libraries;
    const choice = isLibrary ? libraries : FEED.libraries;
    return Array.from(
      { length: choice === 0 ? 0 : Math.floor(random() * 4) },
      () =>
        // Some libraries are needed by many.
        FIRST_LIBRARY + Math.floor(random() ** 2 * choice),
    );
  });
  const walk = (place: number, seen: Set<number>): Set<number> => {
    if (!seen.has(place)) for (const need of needs[place] ?? []) walk(need, seen.add(place));
    return seen.add(place);
  };
  return needs.map((_, place) => [...walk(place, new Set())]);
}
