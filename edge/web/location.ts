/**
 * Where the reader is: the address is the only place where a choice is kept, so a reload, the back button and a link that is sent to
 * somebody else all show the same. Links within the page are followed without loading it anew.
 */
import { useEffect, useState } from 'preact/hooks';

export interface Place {
  readonly path: string;
  readonly query: URLSearchParams;
}

const placeNow = (): Place => ({ path: location.pathname, query: new URLSearchParams(location.search) });

const listeners = new Set<() => void>();
const tell = (): void => {
  for (const listener of listeners) listener();
};

/** `replace`: a step of the same choice, which the back button passes over. */
export function goTo(address: string, how: 'push' | 'replace' = 'push'): void {
  if (address === location.pathname + location.search) return;
  if (how === 'push') history.pushState(null, '', address);
  else history.replaceState(null, '', address);
  tell();
}

export function usePlace(): Place {
  const [place, setPlace] = useState(placeNow);
  useEffect(() => {
    const update = (): void => setPlace(placeNow());
    listeners.add(update);
    addEventListener('popstate', update);
    // What was clicked before this ran.
    update();
    return () => {
      listeners.delete(update);
      removeEventListener('popstate', update);
    };
  }, []);
  return place;
}

/** For a link: followed here unless the reader wants another tab or window. */
export function follow(event: MouseEvent): void {
  const link = event.currentTarget as HTMLAnchorElement;
  const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  if (!isPlain || link.origin !== location.origin) return;
  event.preventDefault();
  goTo(link.pathname + link.search);
  scrollTo(0, 0);
}
