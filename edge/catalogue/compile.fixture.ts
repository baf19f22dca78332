/** What the tests of the compilers share: one target of one release, on a mirror whose key is trusted. */
import { sha256Hex } from '../../shared/crypto/digest.ts';
import { openSlots } from '../../shared/http/slots.ts';
import type { Mirror } from './mirror.fixture.ts';
import { Reading } from './reading.ts';
import { openUpstream } from './upstream.ts';

export const upstreamOf = (mirror: Mirror) =>
  openUpstream({ url: mirror.url, fetch: mirror.fetch, slots: openSlots(6) });
export const readingOf = (mirror: Mirror) => new Reading(upstreamOf(mirror));
export const signed = (mirror: Mirror) => ({ UPSTREAM_KEYS: [mirror.key.publicKey], UPSTREAM_UNSIGNED: false });
export const untrusting = { UPSTREAM_KEYS: [], UPSTREAM_UNSIGNED: false };
export const wanted = { version: '24.10.2', target: 'x86/64', arch: 'x86_64' };
export const directory = 'releases/24.10.2/targets/x86/64';

/** Changes a file and what `sha256sums` says of it, and signs that: upstream itself published it so. */
export async function republish(mirror: Mirror, file: string, text: string): Promise<void> {
  const old = sha256Hex(mirror.files.get(`${directory}/${file}`)!);
  mirror.files.set(`${directory}/${file}`, text);
  const sums = mirror.files.get(`${directory}/sha256sums`)!;
  mirror.files.set(`${directory}/sha256sums`, sums.replace(old, sha256Hex(text)));
  await mirror.sign(directory);
}
