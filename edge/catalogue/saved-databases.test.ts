/** A database that a Catalogue of an earlier time has left still serves, also while the mirror is down. */
import { drizzle } from 'drizzle-orm/durable-sqlite';
import { migrate } from 'drizzle-orm/durable-sqlite/migrator';
import { expect, test } from 'vitest';
import { openClock, withCatalogue } from './catalogue.fixture.ts';
import { keyOf, upstreamKey } from './document-id.ts';
import { MIGRATIONS } from './document-store.ts';
import { openGoodMirror } from './mirror.fixture.ts';

const { entries } = MIGRATIONS.journal;

/** As the code of a time wrote a document: its row, and its text in two pieces. By the migration since which it is written so. */
interface SavedRow {
  readonly since: string;
  readonly table: string;
  readonly row: Readonly<Record<string, string | number>>;
}

const DOCUMENT = {
  kind: 'versions',
  checkedAt: 7,
  versions: [{ version: '24.10.2', targets: { 'x86/64': 'x86_64' } }],
};

function savedRows(upstream: string): readonly SavedRow[] {
  const key = keyOf(upstream, { kind: 'versions' });
  const text = JSON.stringify(DOCUMENT);
  const times = { checked_at: 7, asked_at: 7, written_at: 7 };
  return [
    {
      since: '0001_init',
      table: 'documents',
      row: { key, upstream, id: '{"kind":"versions"}', recipe: 'of before', files: '[]', ...times },
    },
    { since: '0001_init', table: 'document_parts', row: { key, part: 0, text: text.slice(0, 40) } },
    { since: '0001_init', table: 'document_parts', row: { key, part: 1, text: text.slice(40) } },
  ];
}

test('every row is of a migration that there is', () =>
  expect(savedRows('u').filter(({ since }) => !entries.some(({ tag }) => tag === since))).toEqual([]));

test.each(entries.map(({ tag }, at) => [tag, at] as const))('of the time of %s', async (_, upTo) => {
  const mirror = await openGoodMirror();
  mirror.weather.set('*', () => new Response('down', { status: 503 }));
  const clock = openClock();
  await withCatalogue(mirror, clock, async (__, { storage }) => {
    await storage.deleteAll();
    for (const [at, { tag }] of entries.slice(0, upTo + 1).entries()) {
      await migrate(drizzle(storage), { ...MIGRATIONS, journal: { entries: entries.slice(0, at + 1) } });
      for (const { table, row } of savedRows(upstreamKey(mirror.url)).filter(({ since }) => since === tag))
        storage.sql.exec(
          `INSERT INTO ${table} (${Object.keys(row).join(', ')}) VALUES (${Object.keys(row)
            .map(() => '?')
            .join(', ')})`,
          ...Object.values(row),
        );
    }
  });
  await withCatalogue(mirror, clock, async (catalogue) => {
    expect(await catalogue.versions()).toMatchObject({ state: 'found', document: { ...DOCUMENT, checkedAt: 7 } });
  });
});
