/** The routes by which a router gets its image. */
import { z } from 'zod';
import { BUILD_ERRORS, type BuildErrorKind } from '../build/build-error.ts';
import { MAX_BODY_BYTES } from '../request/build-request.ts';
import type { Answer, Operation } from './operation.ts';

const DONE: Answer = {
  text: 'The image is there.',
  shapes: ['FinishedBuild'],
  headers: ['X-Imagebuilder-Status'],
};

const PENDING: Answer = {
  text: 'The build waits, or runs. Ask again.',
  shapes: ['QueuedBuild', 'StartedBuild'],
  headers: ['X-Imagebuilder-Status', 'X-Queue-Position', 'Retry-After'],
};

const FAILED: Answer = {
  text: 'The build failed; `detail` says why.',
  shapes: ['FailedBuild'],
  headers: ['X-Imagebuilder-Status'],
};

const UNKNOWN: Answer = { text: 'Nobody asked for such a build.', shapes: ['Problem'] };

const EVENTS = `A build as it happens:

* \`state\`: the body that a poll gets; once at the beginning, then whenever it says something new
* \`log\`: lines that the build printed; nothing of builds with \`defaults\`
* \`restart\`: another node begins again; the log so far is of a try that was given up
* \`done\` or \`failed\`: the body of the final answer; the last event

Each has an id. Who comes back with the last one, in \`Last-Event-ID\`, goes on there.`;

export const BUILD_OPERATIONS: readonly Operation[] = [
  {
    method: 'post',
    paths: ['/api/v1/build'],
    id: 'requestBuild',
    tag: 'build',
    summary: 'Ask for an image',
    text: `Equal requests are one build, however they are spelled: order, duplicates, aliases and \`client\` change nothing. Ask with the same body as often as you like. Unknown fields are ignored; a body has at most ${MAX_BODY_BYTES} bytes.`,
    body: {
      shape: 'BuildRequest',
      examples: {
        minimal: { version: '24.10.2', target: 'x86/64', profile: 'generic' },
        upgrade: {
          version: '24.10.2',
          version_code: 'r28427-6df0e3d02a',
          target: 'ath79/generic',
          profile: 'tplink,archer-c7-v4',
          packages: ['luci', '-ppp', '-ppp-mod-pppoe'],
          diff_packages: true,
          rootfs_size_mb: 256,
          client: 'owut/2025.01.01-r1',
        },
      },
    },
    answers: { 200: DONE, 202: PENDING, 500: FAILED },
    errors: Object.keys(BUILD_ERRORS) as BuildErrorKind[],
  },
  {
    method: 'get',
    head: true,
    paths: ['/api/v1/build/{request_hash}'],
    id: 'getBuild',
    tag: 'build',
    summary: 'Ask how a build goes',
    text: 'A finished hash always answers the same image or, once that is removed, none.',
    answers: { 200: DONE, 202: PENDING, 404: UNKNOWN, 500: FAILED },
    errors: ['too_many_requests'],
  },
  {
    method: 'get',
    paths: ['/api/v1/build/{request_hash}/events'],
    id: 'listenToBuild',
    tag: 'build',
    summary: 'Listen to a build',
    text: EVENTS,
    query: {
      last_event_id: {
        schema: z.string().meta({ examples: ['start'] }),
        text: 'Where to go on, for who cannot send the header `Last-Event-ID`.',
      },
    },
    answers: {
      200: { text: 'Server-sent events.', mediaType: 'text/event-stream' },
      204: { text: 'You were told the end; there is nothing more.' },
      404: UNKNOWN,
      503: { text: 'Too many listen; poll.', shapes: ['Problem'], headers: ['Retry-After'] },
    },
    errors: ['too_many_requests'],
  },
  {
    method: 'get',
    head: true,
    paths: ['/store/{bin_dir}/{file}'],
    id: 'getFile',
    tag: 'build',
    summary: 'Fetch a file of a finished build',
    text: 'Never a redirect. Files do not change under their name.',
    answers: {
      200: {
        text: 'The file.',
        mediaType: 'application/octet-stream',
        headers: ['Content-Length', 'ETag', 'Content-Disposition'],
      },
      206: {
        text: 'The part that `Range` asked for.',
        mediaType: 'application/octet-stream',
        headers: ['Content-Length', 'Content-Range', 'ETag', 'Content-Disposition'],
      },
      304: { text: '`If-None-Match` names it.', headers: ['ETag'] },
      404: { text: 'There is no such file.', shapes: ['Problem'] },
      416: { text: '`Range` lies outside the file.', shapes: ['Problem'], headers: ['Content-Range'] },
    },
    errors: ['too_many_requests'],
  },
];
