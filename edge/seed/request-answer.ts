/**
 * What is told of a build in the old API: three words while it is not done, five members once it is. Old clients take an image
 * by the one name in `sysupgrade`; of a build without one, the two endpoints tell differently.
 */
import { BUILD_ERRORS, missingPackages } from '../../shared/build/build-error.ts';
import type { BuildRecord, FailureRecord } from '../../shared/build/build-record.ts';
import type { Dialect } from '../../shared/seed/dialect.ts';
import { filesPath, imageHash, logPath, pathOf } from '../../shared/seed/file-path.ts';
import { pendingWord } from '../../shared/seed/pending-word.ts';
import { sysupgradeImage } from '../../shared/seed/sysupgrade-image.ts';
import { toldNames } from '../../shared/seed/told-names.ts';
import type { BuildAnswer } from '../builds/find-build.ts';
import { jsonAnswer } from '../http/answer.ts';
import { RETRY_AFTER_SECONDS } from '../lifetimes.ts';
import type { PendingStatus } from '../results/pending-builds.ts';
import { seedProblem, seedStatusOf } from './seed-answer.ts';

/** How the two endpoints differ. */
export interface Endpoint {
  readonly path: string;
  /** Of a build that has no image to flash over a running system: for one that is all there is to tell, the other has files. */
  readonly withoutSysupgrade: 200 | 501;
}

/** How a build is told to one client. */
export interface Telling {
  readonly endpoint: Endpoint;
  readonly dialect: Dialect;
  /** What the client polls for. */
  readonly requestHash: string;
  /** Of this server, for the dialect that is answered with whole URLs. */
  readonly publicUrl: string;
}

const NO_SYSUPGRADE = 'The image was built, but the device has none that can be flashed over a running system';

export function requestAnswer(answer: BuildAnswer, telling: Telling): Response {
  if (answer.state === 'pending') return pendingAnswer(answer.status, telling);
  if (answer.state === 'failed') return failedAnswer(answer.failed.failure, telling);
  return builtAnswer(answer.built.record, answer.built.images, telling);
}

function pendingAnswer(status: PendingStatus, { requestHash }: Telling): Response {
  const headers = {
    'x-imagebuilder-status': pendingWord(status),
    ...(status.state === 'queued' && { 'x-build-queue-position': String(status.ahead) }),
    'retry-after': String(RETRY_AFTER_SECONDS.pending),
  };
  return jsonAnswer(202, { request_hash: requestHash }, headers);
}

type Images = Parameters<typeof sysupgradeImage>[0];

function builtAnswer(built: Pick<BuildRecord, 'requestHash'>, images: Images, telling: Telling): Response {
  const { endpoint, dialect, requestHash } = telling;
  const base = baseOf(telling);
  const image = sysupgradeImage(images)?.name;
  const files = { files: base + filesPath(built.requestHash), log: base + logPath(built.requestHash) };
  const names = { request_hash: requestHash, image_hash: imageHash(built.requestHash) };
  if (image !== undefined) {
    const sysupgrade = dialect === 'split' ? `${base}/download/${pathOf(built.requestHash)}/${image}` : image;
    return jsonAnswer(200, { sysupgrade, ...files, ...names });
  }
  if (endpoint.withoutSysupgrade === 200) return jsonAnswer(200, { ...files, ...names });
  return seedProblem(501, NO_SYSUPGRADE, { error_kind: 'no_sysupgrade', ...files, request_hash: requestHash });
}

/** A build that failed: by what stands against the request where that is it, and as a failed build otherwise, whoever's fault. */
function failedAnswer({ kind, detail, requestHash }: FailureRecord, telling: Telling): Response {
  const more = {
    error_kind: kind,
    log: baseOf(telling) + logPath(requestHash, 'failed'),
    request_hash: telling.requestHash,
  };
  if (kind === 'unknown_package') return unknownPackageAnswer(detail, more);
  // Nothing at all was built, so to an endpoint that does without a sysupgrade image it is no answer either.
  if (kind === 'no_sysupgrade' && telling.endpoint.withoutSysupgrade === 200) return seedProblem(500, detail, more);
  return seedProblem(seedStatusOf(kind, 500), detail, more);
}

/** auc takes the header of a 422 for granted; where the ImageBuilder named nothing, the selection is impossible as a whole. */
export function unknownPackageAnswer(detail: string, more: Readonly<Record<string, unknown>>): Response {
  const names = missingPackages(detail);
  if (names.length === 0) return seedProblem(BUILD_ERRORS.conflict.seedStatus, detail, more);
  const { header } = toldNames(names);
  return seedProblem(BUILD_ERRORS.unknown_package.seedStatus, detail, more, { 'x-unknown-package': header });
}

const baseOf = ({ dialect, publicUrl }: Telling): string => (dialect === 'split' ? publicUrl : '');
