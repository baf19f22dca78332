/**
 * Answers made from a document of the catalogue. An index of 10,000 packages takes milliseconds to write out and is asked for
 * by every router, so its text is made once per document and isolate; `weightBytes` counts it. With a tag of its bytes, by
 * which a browser that asks again is told in a few bytes that nothing changed, wherever it asks.
 */
import type { Context } from 'hono';
import { BuildError } from '../../shared/build/build-error.ts';
import { bytesToHex, utf8ToBytes } from '../../shared/crypto/digest.ts';
import type { Lookup, VersionsDocument } from '../../shared/upstream/catalogue-document.ts';
import type { CatalogueReader } from '../catalogue/read.ts';
import { CACHE_CONTROL } from '../lifetimes.ts';
import { JSON_HEADERS } from './answer.ts';
import { etagMatches } from './etag-matches.ts';

export interface KeptText {
  readonly text: string;
  /** Without the `W/` that it is sent with: a proxy may compress what we send. */
  readonly etag: string;
}

const texts = new WeakMap<object, Map<string, KeptText>>();

/**
 * `part` is the part of a document that the answer is made from; it stays the same object when a check finds the document
 * unchanged. `name` tells several answers from one part apart.
 */
export async function keptText(part: object, name: string, answer: () => unknown): Promise<KeptText> {
  const known = texts.get(part)?.get(name);
  if (known) return known;
  const made = await taggedText(answer());
  const ofPart = texts.get(part) ?? new Map<string, KeptText>();
  texts.set(part, ofPart.set(name, made));
  return made;
}

/** For what is made anew each time, since it is another thing for everybody who asks. */
export async function taggedText(answer: unknown): Promise<KeptText> {
  const text = JSON.stringify(answer);
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', utf8ToBytes(text)));
  return { text, etag: `"${bytesToHex(digest.subarray(0, 16))}"` };
}

export function metadataAnswer(c: Context, { text, etag }: KeptText): Response {
  const headers = { ...JSON_HEADERS, 'cache-control': CACHE_CONTROL.metadata, etag: `W/${etag}` };
  return etagMatches(c.req.header('if-none-match'), etag)
    ? new Response(null, { status: 304, headers })
    : new Response(text, { headers });
}

/** Of a mirror that has none, nothing can be told. @throws BuildError `upstream_unavailable` */
export async function versionsOf(catalogue: Pick<CatalogueReader, 'versions'>): Promise<VersionsDocument> {
  const versions = knownOrNull(await catalogue.versions());
  if (!versions) throw new BuildError('upstream_unavailable', undefined, { cause: 'no versions' });
  return versions;
}

/**
 * Null: upstream has no such thing.
 * @throws BuildError `upstream_unavailable` where that cannot be told now
 */
export function knownOrNull<Document>(lookup: Lookup<Document>): Document | null {
  if (lookup.state === 'unavailable') throw new BuildError('upstream_unavailable', undefined, { cause: lookup.reason });
  return lookup.state === 'found' ? lookup.document : null;
}
