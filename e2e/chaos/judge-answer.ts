/**
 * What one answer about a build says, and whether it may be said: whatever befalls the edge, nobody is blamed for it, nothing
 * accepted is unknown afterwards, and there is no image of what cannot be built. Pure.
 */

import { type BuildErrorKind, isBuildErrorKind, isDeterministic } from '../../shared/build/build-error.ts';
import { PACKAGES } from '../cheap-builds.ts';
import type { HeardAnswer } from './watched-edge.ts';
import { keyOf, packagesOf, WISH_KINDS, type Wish, wishOf } from './wishes.ts';

export type Judgement =
  /** No answer about a build, or one without a body. */
  | { readonly says: 'nothing' }
  | { readonly says: 'waits' | 'image'; readonly requestHash: string; readonly wish: Wish }
  /** True, and the same for whoever asks. */
  | { readonly says: 'failure'; readonly kind: BuildErrorKind; readonly wish: Wish }
  /** A fault of ours, told as such. `ended`: the build is over, and another one may be asked for. */
  | { readonly says: 'ours'; readonly kind: BuildErrorKind; readonly status: number; readonly ended: boolean }
  | { readonly says: 'wrong'; readonly why: string };

type Body = Readonly<Record<string, unknown>>;

const wrong = (why: string): Judgement => ({ says: 'wrong', why });

/** `wishOfBuild`: of a build that was accepted; undefined for one that nobody was told of. */
export function judgeAnswer(answer: HeardAnswer, wishOfBuild: (requestHash: string) => Wish | undefined): Judgement {
  const { method, status } = answer;
  const path = answer.path.replace(/\?.*$/, '').replace(/^\/+/, '/');
  if (/^\/store\//.test(path) && status === 404)
    return wrong(`${method} ${path}: a file that was offered is not there`);
  const asked = /^\/api\/v1\/build(?:\/([0-9a-f]+))?$/.exec(path);
  if (!asked || method === 'OPTIONS') return { says: 'nothing' };
  const [, hash] = asked;
  const wish = hash === undefined ? wishOf(jsonOf(answer.requestBody)) : wishOfBuild(hash);
  const name = `${method} ${hash?.slice(0, 12) ?? ''} (${wish ? keyOf(wish) : 'nobody’s wish'})`;
  if (!wish) return wrong(`${name}: asked for by nobody`);
  if (status === 404) return wrong(`${name}: an accepted build is not known any more`);
  if (method === 'HEAD') return { says: 'nothing' };
  const body = jsonOf(answer.body);
  if (!body)
    return wrong(`${name}: status ${status} with a body that no client can read: ${answer.body.subarray(0, 80)}`);
  if (status === 200 || status === 202) return judgeGood(name, wish, status, body);
  const kind = String(body.error_kind);
  if (!isBuildErrorKind(kind))
    return wrong(`${name}: status ${status} of no known kind: ${JSON.stringify(body).slice(0, 200)}`);
  if (isDeterministic(kind))
    return WISH_KINDS[wish.kind].failures?.includes(kind)
      ? { says: 'failure', kind, wish }
      : wrong(
          `${name}: blamed on the user as ${kind}: ${String(body.detail).slice(0, 300)} ${String(body.stderr ?? '').slice(-300)}`,
        );
  if (status === 429 || status < 500) return wrong(`${name}: status ${status} for a fault of ours (${kind})`);
  return { says: 'ours', kind, status, ended: hash !== undefined && body.imagebuilder_status === 'failed' };
}

function judgeGood(name: string, wish: Wish, status: number, body: Body): Judgement {
  const requestHash = body.request_hash;
  if (typeof requestHash !== 'string') return wrong(`${name}: a ${status} without request_hash`);
  if (status === 202) return { says: 'waits', requestHash, wish };
  if (WISH_KINDS[wish.kind].failures) return wrong(`${name}: an image of what cannot be built`);
  if (!Array.isArray(body.images) || body.images.length === 0) return wrong(`${name}: an image without files`);
  const manifest = Object.keys(Object(body.manifest));
  const [expected, got] = [packagesOf(wish), PACKAGES.filter((one) => manifest.includes(one))];
  if (got.join() !== expected.join())
    return wrong(`${name}: expected ${expected.join(' ')} in it, got ${got.join(' ')}`);
  return { says: 'image', requestHash, wish };
}

function jsonOf(bytes: Buffer): Body | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString());
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Body) : undefined;
  } catch {
    return undefined;
  }
}
