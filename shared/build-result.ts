/**
 * The v1 answers about finished builds. An image's body is kept as text with a hole for `request`, because that is the one
 * field in which two clients' answers about one image differ, and serialising a manifest of 300 names costs more than all
 * the rest of a hit.
 */
import type { BuildRecord, FailureRecord, RequestEcho } from './build-record.ts';
import { timestamp } from './build-state.ts';

/** Body of a 200 without its opening brace and without `request`; see `doneBody`. */
export function doneTail(record: BuildRecord): string {
  const { device } = record;
  const body = {
    images: record.images.map((image) => ({
      name: image.name,
      type: image.type,
      filesystem: image.filesystem,
      sha256: image.sha256,
      sha256_unsigned: image.sha256,
      size: image.sizeBytes,
    })),
    bin_dir: record.requestHash,
    manifest: record.manifest,
    version_number: device.versionNumber,
    version_code: device.versionCode,
    build_at: timestamp(device.sourceDateEpoch * 1000),
    id: record.request.profile,
    target: record.request.target,
    arch_packages: device.archPackages,
    titles: device.titles,
    supported_devices: device.supportedDevices,
    image_prefix: device.imagePrefix,
    source_date_epoch: device.sourceDateEpoch,
    default_packages: device.defaultPackages,
    device_packages: device.devicePackages,
    ...(device.linuxKernel && { linux_kernel: device.linuxKernel }),
    metadata_version: 1,
    build_cmd: record.buildCommand,
    build_cmd_packages: [
      ...record.request.addPackages,
      ...record.request.removePackages.map((name) => `-${name}`),
    ].join(' '),
    detail: 'done',
    imagebuilder_status: 'done',
    status: 200,
    request_hash: record.requestHash,
    enqueued_at: timestamp(record.enqueuedAt),
  };
  return JSON.stringify(body).slice(1);
}

/** `echoJson`: the request to echo, as JSON. */
export const doneBody = (tail: string, echoJson: string): string => `{"request":${echoJson},${tail}`;

/** Body of the 500 of a finished build that failed. */
export function failedBody(failure: FailureRecord, echo: RequestEcho = failure.echo): Record<string, unknown> {
  return {
    request: echo,
    detail: failure.detail,
    status: 500,
    imagebuilder_status: 'failed',
    request_hash: failure.requestHash,
    enqueued_at: timestamp(failure.enqueuedAt),
    error_kind: failure.kind,
    // firmware-selector opens its log panel when the key is there.
    ...(failure.stdout !== '' && { stdout: failure.stdout }),
    ...(failure.stderr !== '' && { stderr: failure.stderr }),
  };
}
