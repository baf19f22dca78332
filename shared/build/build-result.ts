/**
 * The v1 answers about finished builds. An image's body is kept as text, because serialising a manifest of 300 names costs
 * more than all the rest of a hit; in three pieces, because `request` differs by who asks, and what the ImageBuilder says of
 * a device is the same in every image for it.
 */
import type { FailedBuild, OfBuild, OfDevice } from '../api/build-answers.ts';
import type { BuildRecord, FailureRecord, RequestEcho } from './build-record.ts';
import { timestamp } from './build-state.ts';

/** Members of a JSON object, as text without braces. */
export interface DonePieces {
  readonly ofBuild: string;
  readonly ofDevice: string;
}

export function donePieces(record: BuildRecord): DonePieces {
  const { device } = record;
  const ofBuild: OfBuild = {
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
    build_cmd: record.buildCommand,
    build_cmd_packages: [
      ...record.request.addPackages,
      ...record.request.removePackages.map((name) => `-${name}`),
    ].join(' '),
    request_hash: record.requestHash,
    enqueued_at: timestamp(record.enqueuedAt),
  };
  const ofDevice: OfDevice = {
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
    detail: 'done',
    imagebuilder_status: 'done',
    status: 200,
  };
  return { ofBuild: members(ofBuild), ofDevice: members(ofDevice) };
}

const members = (object: object): string => JSON.stringify(object).slice(1, -1);

/** Body of a 200. `echoJson`: the request to echo, as JSON. */
export const doneBody = (pieces: DonePieces, echoJson: string): string =>
  `{"request":${echoJson},${pieces.ofBuild},${pieces.ofDevice}}`;

/** Body of the 500 of a finished build that failed. */
export function failedBody(failure: FailureRecord, echo: RequestEcho = failure.echo): FailedBuild {
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
