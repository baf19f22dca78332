/** Do upstream, edge and its store answer, and does everybody mean the same time? */
import { type Health, healthSchema } from '../../../shared/api/health-answer.ts';
import { EDGE_SETTINGS } from '../../../shared/edge-settings.ts';
import { printable } from '../../../shared/text/printable.ts';
import { withoutTrailingSlashes } from '../../../shared/text/trailing-slashes.ts';
import { parseVersionsJson } from '../../../shared/upstream/upstream-versions.ts';
import { type Check, type Finding, ok, type Patient, problem, warning } from '../check.ts';
import type { Answer } from '../reach.ts';

const PATIENCE_MS = 30_000;
const NETWORK = 'see whether this machine reaches it (name server, route, firewall, proxy)';

const healthUrl = (edgeUrl: string) => `${edgeUrl}/healthz`;
const versionsUrl = (upstreamUrl: string) => `${upstreamUrl}/.versions.json`;

/** The one that was named, or the edge's own, or OpenWrt's. */
async function upstreamOf({ upstreamUrl, edgeUrl, reach }: Patient): Promise<string> {
  if (upstreamUrl !== null) return upstreamUrl;
  const answer = edgeUrl === null ? null : await reach(healthUrl(edgeUrl));
  const named = answer?.state === 'answered' ? healthIn(answer.body)?.parts.upstream.url : undefined;
  return named !== undefined && /^https?:\/\/[^\s?#@]+$/.test(named)
    ? withoutTrailingSlashes(named)
    : EDGE_SETTINGS.UPSTREAM_URL.fallback;
}

export const upstreamCheck: Check = {
  id: 'upstream',
  patienceMs: PATIENCE_MS,
  run: async (patient) => {
    const url = versionsUrl(await upstreamOf(patient));
    return judgeUpstream(url, await patient.reach(url));
  },
};

export function judgeUpstream(url: string, answer: Answer): Finding {
  const odd = oddity(url, answer);
  if (odd) return odd;
  try {
    const { releases, stable } = parseVersionsJson((answer as Answered).body);
    return ok(`${printable(url)} lists ${releases.length} releases${stable ? `, the stable one is ${stable}` : ''}`);
  } catch (error) {
    return problem(
      `${printable(url)} is no list of versions: ${printable((error as Error).message, 200)}`,
      'name a mirror in the layout of downloads.openwrt.org with --upstream',
    );
  }
}

export const edgeCheck: Check = {
  id: 'edge',
  patienceMs: PATIENCE_MS,
  run: async ({ edgeUrl, reach }) => {
    if (edgeUrl === null)
      return ok('none was named: neither it, nor its store, nor the certificate was looked at (--edge URL)');
    const url = healthUrl(edgeUrl);
    return judgeEdge(url, await reach(url));
  },
};

export function judgeEdge(url: string, answer: Answer): Finding {
  const odd = answer.state === 'answered' && answer.status === 503 && !answer.isHtml ? null : oddity(url, answer);
  if (odd) return odd;
  const health = healthIn((answer as Answered).body);
  if (health === null)
    return problem(`${printable(url)} answers, but not as an edge does`, 'name the URL of an edge with --edge');
  const { kv, object_store: store, foreman, upstream } = health.parts;
  const down = Object.entries({ kv, foreman, 'object store': store, upstream }).flatMap(([name, part]) =>
    part.up ? [] : [`${name}: ${part.reason ?? 'no reason given'}`],
  );
  const told = `${printable(url)}: ${printable(down.join('; '), 300)}`;
  if (health.detail === 'down') return problem(`the edge is down: ${told}`, 'tell its operator');
  if (down.length > 0) return warning(`the edge is degraded: ${told}`, 'tell its operator');
  return ok(
    `${printable(url)} answers; ${health.queue.waiting} builds wait, nodes present: ${health.parts.nodes.present}`,
  );
}

export const storeCheck: Check = {
  id: 'store',
  patienceMs: PATIENCE_MS,
  run: async ({ edgeUrl, reach }) => {
    if (edgeUrl === null) return [];
    const url = `${edgeUrl}/store/${'0'.repeat(64)}/none`;
    return judgeStore(url, await reach(url));
  },
};

/** All that a stranger can see of a store: that it knows what it does not have. */
export function judgeStore(url: string, answer: Answer): Finding {
  const isRefusal = answer.state === 'answered' && answer.status === 404 && !answer.isHtml && isJsonObject(answer.body);
  if (isRefusal) return ok("the edge's store knows what it has");
  return (
    oddity(url, answer) ??
    problem(
      `expected 404 for a file that nobody has, got ${(answer as Answered).status}`,
      'see what stands between this machine and the edge',
    )
  );
}

export const clockCheck: Check = {
  id: 'clock',
  patienceMs: 2 * PATIENCE_MS,
  run: async (patient) => {
    const urls = [
      ...(patient.edgeUrl === null ? [] : [healthUrl(patient.edgeUrl)]),
      versionsUrl(await upstreamOf(patient)),
    ];
    const answers = await Promise.all(urls.map(patient.reach));
    return judgeClock(
      urls.flatMap((url, index) => {
        const answer = answers[index];
        return answer?.state === 'answered' && answer.aheadMs !== null
          ? [{ host: new URL(url).host, aheadMs: answer.aheadMs }]
          : [];
      }),
    );
  },
};

/** Calls are signed with the time; the edge bears less than that. */
const MAX_SKEW_MS = 60_000;

export function judgeClock(others: readonly { readonly host: string; readonly aheadMs: number }[]): Finding {
  if (others.length === 0) return warning('nobody answered with the time', 'run it again when the network works');
  const wrong = others.filter(({ aheadMs }) => Math.abs(aheadMs) > MAX_SKEW_MS);
  if (wrong.length === 0) return ok(`it agrees with ${others.map(({ host }) => host).join(' and ')}`);
  const told = wrong.map(
    ({ host, aheadMs }) => `${Math.round(Math.abs(aheadMs) / 1000)} s ${aheadMs > 0 ? 'behind' : 'ahead of'} ${host}`,
  );
  return problem(
    `this machine's clock is ${told.join(' and ')}`,
    wrong.length === others.length
      ? 'set it and keep it set (timedatectl set-ntp true)'
      : 'set it if it is wrong (timedatectl set-ntp true); others disagree with that server, so it may be the one',
  );
}

type Answered = Extract<Answer, { state: 'answered' }>;

/** What is wrong with an answer before anybody looks into it; null for a plain 200. */
function oddity(url: string, answer: Answer): Finding | null {
  const shown = printable(url);
  if (answer.state === 'failed') return problem(`${shown} does not answer: ${printable(answer.reason, 200)}`, NETWORK);
  if (answer.isHtml && answer.status === 200)
    return problem(
      `a captive portal or proxy answers in place of ${shown}: an HTML page${titleOf(answer.body)}`,
      'sign in to that network, or go around the proxy',
    );
  if (answer.status !== 200)
    return problem(`${shown} answers ${answer.status}`, 'see whether the URL is right, and try again later');
  return null;
}

function titleOf(body: string): string {
  const title = /<title>([^<]{1,200})/i.exec(body.slice(0, 20_000))?.[1]?.trim();
  return title ? ` (${JSON.stringify(printable(title, 80))})` : '';
}

function healthIn(body: string): Health | null {
  try {
    return healthSchema.safeParse(JSON.parse(body)).data ?? null;
  } catch {
    return null;
  }
}

function isJsonObject(body: string): boolean {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null;
  } catch {
    return false;
  }
}
