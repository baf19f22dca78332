import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { workerdConfig } from './workerd-config.ts';

test('the Worker runs as of the day, and with the flags, that wrangler.toml says', async () => {
  const toml = await readFile(path.resolve(import.meta.dirname, '../../wrangler.toml'), 'utf8');
  const [, date] = /^compatibility_date = "(.+)"$/m.exec(toml) ?? [];
  const [, flags] = /^compatibility_flags = (\[.+\])$/m.exec(toml) ?? [];
  const edge = { name: 'edge', address: '127.0.0.1:1', bundle: 'worker.js', hasObjects: true, bindings: [] };
  const config = workerdConfig({ objects: '/objects', blobs: '/blobs' }, [edge]);
  expect([date, flags]).toEqual([expect.stringMatching(/^\d{4}-\d\d-\d\d$/), expect.stringContaining('"')]);
  // Of the edge, and of KV beside it.
  expect(config.split(`compatibilityDate = "${date}", compatibilityFlags = ${flags}`)).toHaveLength(3);
});
