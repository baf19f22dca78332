/** How routers and pages of 2018 and 2019 fetch what was built. Two names for one directory. */
import type { Answer, Operation } from './operation.ts';

const UNCHANGED: Answer = { text: '`If-None-Match` names it.', headers: ['ETag'] };
const LIMITED: Answer = {
  text: 'Too many requests from your network.',
  shapes: ['SeedProblem'],
  headers: ['Retry-After'],
};
const OUTSIDE = { text: '`Range` lies outside the file.', headers: ['Content-Range'] } as const;

/** For the old API and for one key beside it. */
const part = (mediaType: string): Answer => ({
  text: 'The part that `Range` asked for.',
  mediaType,
  headers: ['Content-Length', 'Content-Range', 'ETag'],
});

const FILE = `Beside what was built: \`sha256sums\` of images, manifest and \`profiles.json\`; \`sha256sums.sig\`, by the key at \`/keys/usign.pub\`; and \`build.log\`. The log of a build that failed goes by its whole hash.`;

export const SEED_FILES_OPERATIONS: readonly Operation[] = [
  {
    method: 'get',
    head: true,
    paths: ['/json/{files_path}/', '/download/{files_path}/'],
    id: 'listSeedFiles',
    tag: 'seed',
    summary: 'Files of a build',
    answers: {
      200: { text: 'The files.', shapes: ['SeedFiles'], headers: ['ETag', 'Content-Length'] },
      304: UNCHANGED,
      404: { text: 'There is no such build, or its time is over.', shapes: ['SeedProblem'] },
      503: LIMITED,
    },
  },
  {
    method: 'get',
    head: true,
    paths: ['/json/{files_path}/{file}', '/download/{files_path}/{file}'],
    id: 'getSeedFile',
    tag: 'seed',
    summary: 'Fetch a file of a build',
    text: FILE,
    answers: {
      200: { text: 'The file.', mediaType: 'application/octet-stream', headers: ['Content-Length', 'ETag'] },
      206: part('application/octet-stream'),
      304: UNCHANGED,
      404: { text: 'There is no such file.', shapes: ['SeedProblem'] },
      416: { ...OUTSIDE, shapes: ['SeedProblem'] },
      503: LIMITED,
    },
  },
  {
    method: 'get',
    head: true,
    paths: ['/keys/usign.pub'],
    id: 'getUsignKey',
    tag: 'seed',
    summary: 'The key that signs lists of digests',
    answers: {
      200: { text: 'A public key, as usign writes it.', mediaType: 'text/plain', headers: ['Content-Length', 'ETag'] },
      206: part('text/plain'),
      304: UNCHANGED,
      416: { ...OUTSIDE, shapes: ['Problem'] },
    },
  },
];
