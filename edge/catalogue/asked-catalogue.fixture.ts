/** A Catalogue that is asked for a release of x86/64, what it answers, and what then lies in KV. */
import type { CatalogueDocument, Lookup } from '../../shared/upstream/catalogue-document.ts';
import { type Clock, envOf, realEnv, withCatalogue } from './catalogue.fixture.ts';
import { keyOf, upstreamKey } from './document-id.ts';
import type { Mirror } from './mirror.fixture.ts';

export const directory = 'releases/24.10.2/targets/x86/64';
export const targetId = { kind: 'target', version: '24.10.2', target: 'x86/64' } as const;
export const x86 = { 'x86/64': 'x86_64' };
export const refreshMs = 60_000;

export const askTarget = (mirror: Mirror, clock: Clock, environment = envOf(mirror)) =>
  withCatalogue(mirror, clock, (catalogue) => catalogue.target('24.10.2', 'x86/64'), environment);
export const askVersions = (mirror: Mirror, clock: Clock, environment = envOf(mirror)) =>
  withCatalogue(mirror, clock, (catalogue) => catalogue.versions(), environment);

export function documentOf<D extends CatalogueDocument>(lookup: Lookup<D>): D {
  if (lookup.state !== 'found') throw new Error(`expected a document, got ${JSON.stringify(lookup)}`);
  return lookup.document;
}

export const inKv = (mirror: Mirror) =>
  realEnv.CACHE.get<CatalogueDocument>(keyOf(upstreamKey(mirror.url), targetId), 'json');
export const down = () => Promise.reject(new Error('connection refused'));
