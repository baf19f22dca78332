/** The routes by which a client learns what it may ask for. */
import type { Answer, Operation } from './operation.ts';

const UNCHANGED: Answer = { text: '`If-None-Match` names it.', headers: ['ETag'] };
const UNKNOWN: Answer = { text: 'There is no such version, target or architecture.', shapes: ['Problem'] };

/** `/json/v1` followed by a branch's `path`. */
const under = (rest: string): readonly [string, string] => [
  `/json/v1/releases/{version}/${rest}`,
  `/json/v1/snapshots/${rest}`,
];

export const CATALOGUE_OPERATIONS: readonly Operation[] = [
  {
    method: 'get',
    paths: ['/json/v1/overview.json'],
    olderPaths: ['/api/v1/overview', '/api/overview', '/overview'],
    id: 'getOverview',
    tag: 'catalogue',
    summary: 'Everything that a client begins with',
    answers: {
      200: { text: 'Versions, branches, and the rules of this server.', shapes: ['Overview'], headers: ['ETag'] },
      304: UNCHANGED,
    },
    errors: ['upstream_unavailable'],
  },
  {
    method: 'get',
    paths: ['/json/v1/branches.json'],
    id: 'getBranches',
    tag: 'catalogue',
    summary: 'The branches alone',
    answers: { 200: { text: 'Those of the overview.', shapes: ['Branches'], headers: ['ETag'] }, 304: UNCHANGED },
    errors: ['upstream_unavailable'],
  },
  {
    method: 'get',
    paths: ['/json/v1/latest.json'],
    olderPaths: ['/api/v1/latest'],
    id: 'getLatest',
    tag: 'catalogue',
    summary: 'The newest versions alone',
    answers: { 200: { text: 'Those of the overview.', shapes: ['Latest'], headers: ['ETag'] }, 304: UNCHANGED },
    errors: ['upstream_unavailable'],
  },
  {
    method: 'get',
    paths: under('devices.json'),
    id: 'getDevices',
    tag: 'catalogue',
    summary: 'All devices of a version',
    text: 'For a search while somebody types. Upstream signs no such list; what can be built is what the target says.',
    answers: {
      200: { text: 'By target and profile, with their names.', shapes: ['Devices'], headers: ['ETag'] },
      304: UNCHANGED,
      404: { text: 'There is no such version.', shapes: ['Problem'] },
    },
    errors: ['upstream_unavailable'],
  },
  {
    method: 'get',
    paths: under('targets/{target}/{subtarget}/index.json'),
    id: 'getTargetIndex',
    tag: 'catalogue',
    summary: 'Packages of a target',
    answers: {
      200: { text: 'With the modules of its kernel.', shapes: ['TargetIndex'], headers: ['ETag'] },
      304: UNCHANGED,
      404: UNKNOWN,
    },
    errors: ['upstream_unavailable'],
  },
  {
    method: 'get',
    paths: under('packages/{arch}-index.json'),
    id: 'getArchIndex',
    tag: 'catalogue',
    summary: 'Packages of an architecture',
    answers: {
      200: { text: 'Those of all its feeds.', shapes: ['PackageVersions'], headers: ['ETag'] },
      304: UNCHANGED,
      404: UNKNOWN,
    },
    errors: ['upstream_unavailable'],
  },
  {
    method: 'get',
    paths: under('targets/{target}/{subtarget}/{profile}.json'),
    id: 'getProfile',
    tag: 'catalogue',
    summary: 'A device',
    answers: {
      200: {
        text: 'What upstream says of it; an empty object where the target has no such device.',
        shapes: ['Profile'],
      },
      404: UNKNOWN,
    },
    errors: ['upstream_unavailable'],
  },
  {
    method: 'get',
    paths: ['/api/v1/revision/{version}/{target}/{subtarget}'],
    id: 'getRevision',
    tag: 'catalogue',
    summary: "Upstream's current revision of a target",
    answers: {
      200: { text: 'The revision.', shapes: ['Revision'] },
      404: { text: 'The version has no such target.', shapes: ['Problem'] },
    },
    errors: ['unsupported', 'upstream_unavailable'],
  },
];
