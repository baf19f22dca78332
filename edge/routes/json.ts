/**
 * The files of a version below `/json/v1/releases/<version>` and `/json/v1/snapshots`: package lists of a target and of an
 * architecture, which owut and auc compare with what is installed, a device's profile, from which auc takes the revision, and all
 * devices by name, for the page.
 */
import { type Context, Hono } from 'hono';
import type { AnswerOf } from '../../shared/api/answer-of.ts';
import type { devicesSchema, packageVersionsSchema, targetIndexSchema } from '../../shared/api/catalogue-answers.ts';
import { BuildError } from '../../shared/build/build-error.ts';
import { versionPath } from '../../shared/upstream/branch.ts';
import { deviceNames } from '../../shared/upstream/device-names.ts';
import { profileAnswer } from '../../shared/upstream/profile-answer.ts';
import type { CatalogueReader } from '../catalogue/read.ts';
import { edgeContext } from '../edge-context.ts';
import type { Env } from '../env.ts';
import { jsonAnswer, methodNotAllowed, notFound } from '../http/answer.ts';
import { keptText, knownOrNull, metadataAnswer, versionsOf } from '../http/metadata-answer.ts';
import { CACHE_CONTROL } from '../lifetimes.ts';

type App = Context<{ Bindings: Env }>;

export const jsonRoutes = new Hono<{ Bindings: Env }>();

for (const path of ['/json/v1/releases/:version', '/json/v1/snapshots'])
  jsonRoutes
    .get(`${path}/targets/:target/:subtarget/:file`, getTargetFile)
    .get(`${path}/packages/:file`, getArchIndex)
    .get(`${path}/devices.json`, getDevices)
    .all(`${path}/targets/:target/:subtarget/:file`, () => methodNotAllowed('GET, HEAD, OPTIONS'))
    .all(`${path}/packages/:file`, () => methodNotAllowed('GET, HEAD, OPTIONS'))
    .all(`${path}/devices.json`, () => methodNotAllowed('GET, HEAD, OPTIONS'));

function getTargetFile(c: App): Promise<Response> | Response {
  const version = versionOf(c);
  const target = `${c.req.param('target')}/${c.req.param('subtarget')}`;
  const name = stem(c, '.json');
  if (version === null || name === null) return notFound('no such file');
  return name === 'index' ? getTargetIndex(c, version, target) : getProfile(c, version, target, name);
}

async function getTargetIndex(c: App, version: string, target: string): Promise<Response> {
  const { catalogue } = await edgeContext(c.env);
  const document = knownOrNull(await catalogue.target(version, target));
  if (!document) return unknown(catalogue, version, 'target');
  const { archPackages: architecture, packages } = document;
  const answer = (): AnswerOf<typeof targetIndexSchema> => ({ architecture, packages });
  return metadataAnswer(c, await keptText(packages, 'index', answer));
}

async function getArchIndex(c: App): Promise<Response> {
  const version = versionOf(c);
  const arch = stem(c, '-index.json');
  if (version === null || arch === null) return notFound('no such file');
  const { catalogue } = await edgeContext(c.env);
  const document = knownOrNull(await catalogue.arch(version, arch));
  if (!document) return unknown(catalogue, version, 'architecture');
  const answer = (): AnswerOf<typeof packageVersionsSchema> => document.packages;
  return metadataAnswer(c, await keptText(document.packages, 'index', answer));
}

async function getDevices(c: App): Promise<Response> {
  const version = versionOf(c);
  if (version === null) return notFound('no such file');
  const { catalogue } = await edgeContext(c.env);
  const document = knownOrNull(await catalogue.models(version));
  if (!document) {
    const { versions } = await versionsOf(catalogue);
    if (!versions.some((entry) => entry.version === version)) return notFound('no such version');
    throw new BuildError('upstream_unavailable', undefined, {
      cause: `the mirror has no .overview.json of ${version}`,
    });
  }
  const answer = (): AnswerOf<typeof devicesSchema> => ({ devices: deviceNames(document.models) });
  return metadataAnswer(c, await keptText(document.models, 'devices', answer));
}

async function getProfile(c: App, version: string, target: string, name: string): Promise<Response> {
  const { catalogue } = await edgeContext(c.env);
  const document = knownOrNull(await catalogue.profiles(version, target));
  if (!document) return unknown(catalogue, version, 'target');
  // auc asks for its board in every version and takes an empty object for "not in this one".
  return jsonAnswer(200, profileAnswer(document, name) ?? {}, { 'cache-control': CACHE_CONTROL.metadata });
}

/** Null where the version does not lie under this path: `releases/SNAPSHOT`. */
function versionOf(c: App): string | null {
  const version = c.req.param('version');
  if (version === undefined) return 'SNAPSHOT';
  return versionPath(version) === `releases/${version}` ? version : null;
}

function stem(c: App, ending: string): string | null {
  const file = c.req.param('file') ?? '';
  return file.endsWith(ending) && file.length > ending.length ? file.slice(0, -ending.length) : null;
}

/** Asking for the versions also brings them into memory, where the next name that is none costs nothing. */
async function unknown(catalogue: CatalogueReader, version: string, what: string): Promise<Response> {
  const versions = await catalogue.versions();
  const isOffered = versions.state !== 'found' || versions.document.versions.some((entry) => entry.version === version);
  return notFound(isOffered ? `no such ${what} in this version` : 'no such version');
}
