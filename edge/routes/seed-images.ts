/**
 * `GET /api/image/<image_hash>` and `GET /api/manifest/<manifest_hash>`: what an image is and what is in it, for the page behind a
 * link to it. An image with `defaults` is as if it were not there.
 */
import { Hono } from 'hono';
import type { SeedImage } from '../../shared/api/seed-data-answers.ts';
import { imageHash } from '../../shared/seed/file-path.ts';
import { imageFacts } from '../../shared/seed/image-facts.ts';
import { type EdgeContext, foremanOf } from '../edge-context.ts';
import type { Env } from '../env.ts';
import { jsonText } from '../http/answer.ts';
import { CACHE_CONTROL } from '../lifetimes.ts';
import { type Visit, visitOf } from '../limits/visit.ts';
import { logError } from '../log.ts';
import { findByPrefix } from '../seed/find-by-prefix.ts';
import { seedProblem } from '../seed/seed-answer.ts';
import { type SeedApp, seedGet } from '../seed/seed-get.ts';

/** Cut from a hash to 15 digits. */
const SHORT_HASH = /^[0-9a-f]{15}$/;

export const seedImageRoutes = new Hono<{ Bindings: Env }>();

seedGet(seedImageRoutes, '/api/image/:hash', async (c, context) => {
  const text = await imagePage(context, hashIn(c), visitOf(context, c.req.raw));
  return text === null
    ? seedProblem(404, 'could not find provided image hash')
    : jsonText(200, text, { 'cache-control': CACHE_CONTROL.statistics });
});

seedGet(seedImageRoutes, '/api/manifest/:hash', async (c, context) => {
  const hash = hashIn(c);
  const text = hash && (await context.manifests.find(hash, visitOf(context, c.req.raw)));
  return text
    ? jsonText(200, text, { 'cache-control': CACHE_CONTROL.image })
    : seedProblem(404, 'could not find provided manifest hash');
});

function hashIn(c: SeedApp): string | null {
  const hash = c.req.param('hash') ?? '';
  return SHORT_HASH.test(hash) ? hash : null;
}

/** Null for an image of which nothing is told. Of each one the record is read, and the Foreman asked, once a minute. */
async function imagePage(context: EdgeContext, hash: string | null, visit: Visit): Promise<string | null> {
  const requestHash = hash === null ? undefined : await findByPrefix(context, hash, visit);
  if (requestHash === undefined) return null;
  const { text } = await context.imagePages.get(requestHash, async () => {
    await visit.charge('misses');
    const record = await context.results.publicRecord(requestHash);
    if (!record) return { text: null };
    const facts: SeedImage = imageFacts(record, await cacheHits(context, requestHash));
    return { text: JSON.stringify(facts) };
  });
  return text;
}

/** Null where the Foreman does not say: the rest is known without it. */
async function cacheHits(context: EdgeContext, requestHash: string): Promise<number | null> {
  try {
    await context.counts.flush();
    const { handedOut } = await foremanOf(context.env).statistics({ about: 'image', name: imageHash(requestHash) });
    return handedOut;
  } catch (error) {
    logError('cache hits cannot be told', { error });
    return null;
  }
}
