/** A device as clients read it: what upstream says of its target, then what it says of the device, then whose it is. */
import { timestamp } from '../build/build-state.ts';
import type { ProfilesDocument } from './catalogue-document.ts';
import { namedProfile } from './profile.ts';

/** Null: the target has no such device. A board's name with commas and older names of it will do (see profile.ts). */
export function profileAnswer(document: ProfilesDocument, name: string): Readonly<Record<string, unknown>> | null {
  const id = namedProfile(name, document.profiles);
  const source = id === null ? undefined : document.profiles[id];
  if (!source) return null;
  const profile = JSON.parse(source.json) as Record<string, unknown>;
  return { ...document.metadata, ...profile, id, build_at: timestamp(builtAtMs(document.metadata.source_date_epoch)) };
}

/** Upstream's own time, or 1970 as the peer has it where upstream names none. */
const builtAtMs = (epochSeconds: unknown): number =>
  typeof epochSeconds === 'number' && epochSeconds >= 0 && epochSeconds <= 8e12 ? Math.floor(epochSeconds) * 1000 : 0;
