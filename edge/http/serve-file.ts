/**
 * The bytes of a published file, from the store to a client, for every API that hands them out. HEAD costs no call to the
 * store. What the store has lost is told as such, and its build is forgotten, so that the next request builds the image anew.
 */
import type { Context } from 'hono';
import { type StoredFile, storeKey } from '../../shared/build/build-record.ts';
import type { EdgeContext } from '../edge-context.ts';
import type { Env } from '../env.ts';
import { CACHE_CONTROL } from '../lifetimes.ts';
import { logError } from '../log.ts';
import type { BuiltResult } from '../results/kept-result.ts';
import type { Absent, ObjectContent } from '../storage/object-store.ts';
import { ObjectStoreError } from '../storage/object-store-error.ts';
import { beginDownload, OCTETS, type Part, type Refuse, sendBytes } from './download.ts';

const ASK_AGAIN_MS = 1_000;

/** `file`: one of `built.files`. */
export async function serveFile(
  c: Context<{ Bindings: Env }>,
  context: EdgeContext,
  built: BuiltResult,
  file: StoredFile,
  refuse: Refuse,
): Promise<Response> {
  const { private: isPrivate, leaseId, publishedAt } = built.record;
  const { name, sizeBytes, sha256 } = file;
  const download = {
    contentType: contentTypeOf(name),
    sizeBytes,
    sha256,
    cacheControl: isPrivate ? CACHE_CONTROL.never : CACHE_CONTROL.image,
    modifiedAt: publishedAt,
    saveAs: name,
  };
  const begun = beginDownload(c.req.raw, download, refuse);
  if (begun instanceof Response) return begun;

  const key = storeKey.object(leaseId, name);
  const another = (got: string): Response => {
    logError('a file in the store is not the one that was published', {
      key,
      error: `expected ${sizeBytes} bytes in the store, got ${got}`,
    });
    return refuse(404, 'the file in the store is not the one that was published');
  };
  const object = await openObject(context.store, key, begun.part, c.req.raw.signal);
  if (object === 'too short') return another('an object without this range');
  if (!object.exists) {
    await forgetIfGone(context, built, key);
    return refuse(404, 'the file was removed from the store; ask for the image again');
  }
  if (object.size !== sizeBytes) {
    await object.body.cancel();
    return another(String(object.size));
  }
  // What the store gave, not what it was asked for: a proxy in front of it may have taken the range away.
  const part = begun.part && object.range;
  // Without a fixed length the runtime answers chunked, and auc compares Content-Length with what it received.
  const { readable, writable } = new FixedLengthStream(part?.length ?? sizeBytes);
  c.executionCtx.waitUntil(object.body.pipeTo(writable).catch(() => undefined));
  return sendBytes(readable, sizeBytes, { headers: begun.headers, part });
}

/** A range that the record has and the store has not is of another object. */
async function openObject(
  store: EdgeContext['store'],
  key: string,
  range: Part,
  signal: AbortSignal,
): Promise<ObjectContent | Absent | 'too short'> {
  try {
    return await store.get(key, { ...(range && { range: { offset: range.offset, length: range.length } }), signal });
  } catch (error) {
    if (error instanceof ObjectStoreError && error.kind === 'range_not_satisfiable') return 'too short';
    throw error;
  }
}

/** Forgetting throws a record away and has the image built anew, so the store is asked once more. */
async function forgetIfGone(context: EdgeContext, built: BuiltResult, key: string): Promise<void> {
  await scheduler.wait(ASK_AGAIN_MS);
  const { exists } = await context.store.head(key);
  logError(exists ? 'a file is there again after it was not' : 'a file is gone; its build is forgotten', { key });
  if (!exists) await context.results.forget(built.record);
}

function contentTypeOf(name: string): string {
  if (name.endsWith('.json')) return 'application/json';
  if (name.endsWith('.manifest') || name === 'sha256sums') return 'text/plain; charset=utf-8';
  return OCTETS;
}
