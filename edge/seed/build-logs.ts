/**
 * The log of a build that ended, as one text: the pieces that listeners were told, or what its failure holds. A node wrote all of
 * that, so it is cut to what an honest one writes and made printable; and of a build with `defaults` nothing is shown, for what a
 * first-boot script prints may be a password.
 */
import { LRUCache } from 'lru-cache';
import { LOG_LIMITS, logLines } from '../../shared/build/build-log.ts';
import { utf8ToBytes } from '../../shared/crypto/digest.ts';
import type { BuildAnswer } from '../builds/find-build.ts';
import type { LogPieces } from '../events/log-pieces.ts';
import { LIFETIMES } from '../lifetimes.ts';
import type { Visit } from '../limits/visit.ts';

const PRIVATE_LOG = 'The log of an image with defaults is not shown.\n';
export const NO_LOG = 'The log of this build is not kept.\n';
const REST_LEFT_OUT = '[the rest of this log is left out]\n';

export type EndedBuild = Exclude<BuildAnswer, { state: 'pending' }>;

export class BuildLogs {
  readonly #pieces: LogPieces;
  /** By lease; for listings, which tell nothing else of a log. */
  readonly #sizes = new LRUCache<string, number>({ max: 20_000, ttl: LIFETIMES.resultInMemoryMs, ttlResolution: 0 });

  constructor(pieces: LogPieces) {
    this.#pieces = pieces;
  }

  /** Always something to read. @throws BuildError `too_many_requests`; what the store throws */
  async textOf(ended: EndedBuild, visit: Visit, signal: AbortSignal): Promise<string> {
    const { private: isPrivate, leaseId } = ended.state === 'built' ? ended.built.record : ended.failed.failure;
    if (isPrivate) return PRIVATE_LOG;
    const kept = leaseId ? await this.#read(leaseId, visit, signal) : '';
    if (kept !== '' || ended.state === 'built') return kept || NO_LOG;
    const { stdout, stderr } = ended.failed.failure;
    const printed = [stdout, stderr].filter((text) => text !== '');
    return printed.map((text) => `${logLines(text).join('\n')}\n`).join('') || NO_LOG;
  }

  /** Of what is kept; 0 where nothing is. @throws BuildError `too_many_requests`; what the store throws */
  async sizeBytes(leaseId: string, visit: Visit, signal: AbortSignal): Promise<number> {
    return this.#sizes.get(leaseId) ?? utf8ToBytes(await this.#read(leaseId, visit, signal)).length;
  }

  async #read(leaseId: string, visit: Visit, signal: AbortSignal): Promise<string> {
    await visit.charge('misses');
    let text = '';
    for (let number = 1; ; number += 1) {
      const piece = await this.#pieces.read(leaseId, number, true, signal);
      if (piece === null) break;
      text += `${piece}\n`;
      if (text.length <= LOG_LIMITS.logBytes) continue;
      text = `${text.slice(0, LOG_LIMITS.logBytes)}\n${REST_LEFT_OUT}`;
      break;
    }
    this.#sizes.set(leaseId, utf8ToBytes(text).length);
    return text;
  }
}
