/** What lies in the object store: images that somebody can be told of, what garbage collection is due to take, and nothing else. */
import type { Finding } from './finding.ts';
import type { ForemanFiles } from './foreman.ts';

export function auditStore(names: readonly string[], { leasesWithFiles, published }: ForemanFiles): Finding {
  const below = (prefix: string) =>
    names.filter((name) => name.startsWith(prefix)).map((name) => name.split('/')[1] ?? '');
  const strangers = [...new Set(below('objects/'))].filter((lease) => !leasesWithFiles.has(lease));
  const records = below('builds/').map((name) => name.replace(/\.json$/, ''));
  const wrong = [
    ...strangers.map((lease) => `files of lease ${lease}, which nobody will remove before the weekly sweep`),
    ...below('incoming/').map((name) => `incoming/${name}: nobody took it over`),
    ...below('requests/').map((name) => `requests/${name}: its build has ended`),
    ...records.filter((hash) => !published.has(hash)).map((hash) => `a record of ${hash}, of which no table knows`),
    ...[...published].filter((hash) => !records.includes(hash)).map((hash) => `no record of ${hash}`),
  ];
  return { what: 'objects in the store', found: `${names.length}, of ${records.length} images among them`, wrong };
}
