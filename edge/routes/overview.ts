/**
 * What there is: `/json/v1/overview.json` for owut and LuCI, `branches.json` for auc, `latest.json`. Older names are answered
 * at once: a redirect without CORS hangs LuCI.
 */
import { Hono } from 'hono';
import type { AnswerOf } from '../../shared/api/answer-of.ts';
import type { latestSchema, Overview, OverviewBranch } from '../../shared/api/catalogue-answers.ts';
import type { EdgeSettings } from '../../shared/edge-settings.ts';
import { SERVER_VERSION } from '../../shared/server-version.ts';
import type { VersionsDocument } from '../../shared/upstream/catalogue-document.ts';
import { latestVersions, type OverviewSettings, overviewDocument } from '../../shared/upstream/overview.ts';
import { edgeContext } from '../edge-context.ts';
import type { Env } from '../env.ts';
import { methodNotAllowed } from '../http/answer.ts';
import { keptText, metadataAnswer, versionsOf } from '../http/metadata-answer.ts';

interface Row {
  readonly paths: readonly string[];
  readonly answer: (versions: VersionsDocument, settings: OverviewSettings) => unknown;
}

const ROWS: readonly Row[] = [
  {
    // `/api/overview` is what LuCI asks.
    paths: ['/json/v1/overview.json', '/api/v1/overview', '/api/overview', '/overview'],
    answer: (versions, settings): Overview => overviewDocument(versions, settings),
  },
  {
    paths: ['/json/v1/branches.json'],
    answer: (versions, settings): readonly OverviewBranch[] =>
      Object.values(overviewDocument(versions, settings).branches),
  },
  {
    paths: ['/json/v1/latest.json', '/api/v1/latest'],
    answer: (versions): AnswerOf<typeof latestSchema> => ({ latest: latestVersions(versions) }),
  },
];

export const overviewRoutes = new Hono<{ Bindings: Env }>();

for (const { paths, answer } of ROWS)
  for (const path of paths)
    overviewRoutes
      .get(path, async (c) => {
        const { catalogue, config } = await edgeContext(c.env);
        const versions = await versionsOf(catalogue);
        const name = paths[0] as string;
        const text = await keptText(versions.versions, name, () => answer(versions, overviewSettings(config)));
        return metadataAnswer(c, text);
      })
      .all(path, () => methodNotAllowed('GET, HEAD, OPTIONS'));

const overviewSettings = (config: EdgeSettings): OverviewSettings => ({
  serverVersion: SERVER_VERSION,
  upstreamUrl: config.UPSTREAM_URL,
  contact: config.CONTACT,
  branches: config.BRANCHES,
  allowDefaults: config.ALLOW_DEFAULTS,
  repositoryAllowList: config.REPOSITORY_ALLOW_LIST,
  maxRootfsSizeMb: config.MAX_CUSTOM_ROOTFS_SIZE_MB,
  maxDefaultsBytes: config.MAX_DEFAULTS_LENGTH,
});
