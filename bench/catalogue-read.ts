/** How long a cold isolate takes for the largest document that a request may need: out of KV and parsed, in workerd. */
import { keyOf, upstreamKey } from '../edge/catalogue/document-id.ts';
import type { BenchServer } from './bench-server.ts';
import { ENTRIES, LARGE } from './large-index.ts';

export interface CatalogueRead {
  readonly medianMs: number;
  readonly entries: number;
  readonly sizeBytes: number;
}

export const CATALOGUE_READ_LIMIT_MS = 10;

const BATCHES = 21;
/** workerd's clock counts milliseconds. */
const READS_A_BATCH = 20;

/** @throws Error where the edge has not compiled it */
export async function measureCatalogueRead(server: BenchServer, signal: AbortSignal): Promise<CatalogueRead> {
  const upstream = upstreamKey(server.variables.UPSTREAM_URL ?? '');
  const key = encodeURIComponent(keyOf(upstream, { kind: 'arch', version: LARGE.version, arch: LARGE.arch }));
  const document = await fetch(`${server.controlUrl}/${key}`, { signal });
  const sizeBytes = (await document.bytes()).length;
  const times: number[] = [];
  let entries = 0;
  for (let batch = 0; batch < BATCHES; batch++) {
    const answer = await fetch(`${server.controlUrl}/${key}?times=${READS_A_BATCH}`, { signal });
    const read = (await answer.json()) as { readonly totalMs: number; readonly entries: number };
    times.push(read.totalMs / READS_A_BATCH);
    entries = read.entries;
  }
  if (!document.ok || entries !== ENTRIES)
    throw new Error(`expected a document of ${ENTRIES} packages in KV, got status ${document.status}, ${entries}`);
  return { medianMs: times.sort((a, b) => a - b)[Math.floor(BATCHES / 2)] ?? Number.NaN, entries, sizeBytes };
}
