/**
 * A build that came out and is being uploaded, as it is written down: a node that dies meanwhile goes on with the upload at its
 * next start instead of building again. The files lie in the lease's workspace; whether they are still what they were is seen
 * by their digests.
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { type LeaseReport, LeaseReportSchema } from '../../shared/gen/asu/farm/v1/foreman_pb.js';
import { sha256OfFile } from '../sha256-of-file.ts';
import type { OutputFile } from './build-event.ts';

export interface Built {
  /** For the node's log. */
  readonly name: string;
  readonly requestHash: string;
  /** Milliseconds since 1970, by the edge's clock. */
  readonly deadlineMs: number;
  readonly files: readonly OutputFile[];
  /** To be said once the files are complete. */
  readonly lastWord: LeaseReport['event'];
  readonly durationMs: number;
  /** Made with a first-boot script. */
  readonly isPrivate: boolean;
}

export const builtToText = ({ lastWord, ...rest }: Built): string => {
  const word = toBinary(LeaseReportSchema, create(LeaseReportSchema, { event: lastWord }));
  return JSON.stringify({ ...rest, lastWord: Buffer.from(word).toString('base64') });
};

export function builtOfText(text: string): Built {
  const { lastWord, ...rest } = JSON.parse(text) as Omit<Built, 'lastWord'> & { readonly lastWord: string };
  return { ...rest, lastWord: fromBinary(LeaseReportSchema, Buffer.from(lastWord, 'base64')).event };
}

/** Are all its files there, byte by byte? */
export async function isWhole({ files }: Built): Promise<boolean> {
  for (const { path, sha256 } of files) if ((await sha256OfFile(path).catch(() => '')) !== sha256) return false;
  return true;
}
