/**
 * Identity. The intent is what was asked, without any state of upstream: the same in every place, stable over years.
 * A generation is one answer to it; when upstream's relevant packages move, the next request makes the next generation.
 * Full sha256 everywhere: a key cut to 12 digits was half of CVE-2024-54143.
 */
import { sha256Hex } from '../crypto/digest.ts';
import { canonical } from './canonical.ts';
import { canonicalRequest, type NormalizedRequest } from './normalize-request.ts';

/** 64 hex digits. Changing `salt` disowns everything that was ever built: the last resort after a disaster. */
export const intentHash = (salt: string, request: NormalizedRequest): string =>
  sha256Hex(canonical(['asu-intent-1', salt]) + canonicalRequest(request));

/** 64 hex digits; also the public name of the build and its `bin_dir`. `generation` counts from 1. */
export const requestHash = (intent: string, generation: number): string =>
  sha256Hex(canonical(['asu-request-1', intent, generation]));
