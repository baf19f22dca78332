/** The frame around every view: where one can go, and which view an address shows. A view's code is fetched when it is first shown. */
import { type ComponentType, Component as PreactComponent, type VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { follow, type Place, usePlace } from './location.ts';
import { MESSAGES } from './messages.ts';
import { type ViewName, viewOf } from './views.ts';

const { shell } = MESSAGES;

interface View {
  readonly title: string;
  readonly load: () => Promise<{ readonly default: ComponentType<{ readonly place: Place }> }>;
}

const VIEWS: Readonly<Record<ViewName, View>> = {
  build: { title: shell.build, load: () => import('./builder/builder.tsx') },
  check: { title: shell.check, load: () => import('./check/check.tsx') },
  status: { title: shell.status, load: () => import('./status/status.tsx') },
  lend: { title: shell.lend, load: () => import('./lend/lend.tsx') },
};

const LINKS: readonly (readonly [path: string, name: ViewName])[] = [
  ['/', 'build'],
  ['/check', 'check'],
  ['/status', 'status'],
  ['/lend', 'lend'],
];

export function App(): VNode {
  const place = usePlace();
  const name = viewOf(place.path);
  useEffect(() => {
    document.title = name ? `${VIEWS[name].title} · ${shell.title}` : shell.title;
  }, [name]);
  return (
    <>
      <a class="skip" href="#content">
        {shell.skip}
      </a>
      <header class="top">
        <a class="name" href="/" onClick={follow}>
          {shell.title}
        </a>
        <nav aria-label={shell.views}>
          {LINKS.map(([path, link]) => (
            <a key={path} href={path} onClick={follow} aria-current={link === name ? 'page' : undefined}>
              {VIEWS[link].title}
            </a>
          ))}
          <a href="/docs">{shell.api}</a>
        </nav>
      </header>
      <main id="content" tabIndex={-1} data-view={name}>
        {name ? <Shown key={name} name={name} place={place} /> : <NoSuchPage />}
      </main>
    </>
  );
}

function NoSuchPage(): VNode {
  return (
    <p>
      {shell.unknown}{' '}
      <a href="/" onClick={follow}>
        {shell.home}
      </a>
    </p>
  );
}

function Shown({ name, place }: { readonly name: ViewName; readonly place: Place }): VNode {
  const [View, setView] = useState<ComponentType<{ readonly place: Place }> | 'broken' | null>(null);
  useEffect(() => {
    let isHere = true;
    VIEWS[name].load().then(
      (module) => isHere && setView(() => module.default),
      () => isHere && setView('broken'),
    );
    return () => {
      isHere = false;
    };
  }, [name]);
  if (View === null) return <p class="quiet">{shell.loading}</p>;
  if (View === 'broken') return <p class="error">{shell.broken}</p>;
  return (
    <Boundary>
      <View place={place} />
    </Boundary>
  );
}

/** What one view gets wrong must not take the way to the others with it. */
class Boundary extends PreactComponent<object, { readonly isBroken: boolean }> {
  override state = { isBroken: false };

  static override getDerivedStateFromError(): { readonly isBroken: boolean } {
    return { isBroken: true };
  }

  override render() {
    return this.state.isBroken ? <p class="error">{shell.broken}</p> : this.props.children;
  }
}
