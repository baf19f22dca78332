import { describe, expect, test } from 'vitest';
import { toBase64Url } from '../../shared/crypto/base64url.ts';
import { GIB, MIB } from '../../shared/text/byte-size.ts';
import type { Finding } from './check.ts';
import { judgeCertificate } from './checks/certificate.ts';
import { judgeBuild } from './checks/demo-build.ts';
import { judgeDisk } from './checks/disk.ts';
import { judgeImageBuilders } from './checks/imagebuilders.ts';
import { judgeMemory, judgeNodeVersion, judgeUser } from './checks/machine.ts';
import { judgeClock, judgeEdge, judgeStore, judgeUpstream } from './checks/network.ts';
import { type Answer, isHtml } from './reach.ts';

const URL = 'https://mirror.example/.versions.json';
const HTML = '<!DOCTYPE html><title> Welcome to\u202e Inn </title>';

const answered = (status: number, body: string, html = false): Answer => ({
  state: 'answered',
  status,
  isHtml: html,
  body,
  aheadMs: 0,
});

type State = Finding['state'];

function expectFinding(finding: Finding, state: State, text: RegExp | string): void {
  expect(finding).toMatchObject({ state, text: typeof text === 'string' ? text : expect.stringMatching(text) });
  if (state === 'problem') expect(finding.fix).toMatch(/\w/);
}

test.each<[string, State, RegExp]>([
  ['24.1.0', 'ok', /^Node.js 24.1.0$/],
  ['26.0.0', 'ok', /26/],
  ['22.18.0', 'warning', /nobody tests/],
  ['22.17.1', 'problem', /too old/],
  ['20.19.0', 'problem', /too old/],
])('Node.js %s: %s', (version, state, text) => expectFinding(judgeNodeVersion(version), state, text));

test.each<[number, State]>([
  [0, 'warning'],
  [1001, 'ok'],
])('user %i: %s', (uid, state) => expectFinding(judgeUser(uid), state, /run as/));

test.each<[number, State, RegExp]>([
  [256 * MIB, 'problem', /too little/],
  [700 * MIB, 'warning', /large images/],
  [980 * MIB, 'ok', /2 processors and 980 MiB/],
  [8 * GIB, 'ok', /8.0 GiB/],
])('memory of %i: %s', (memoryBytes, state, text) =>
  expectFinding(judgeMemory({ memoryBytes, cores: 2 }), state, text),
);

test.each<[number, number | null, State, RegExp]>([
  [GIB, null, 'problem', /1.0 GiB free/],
  [GIB, 50 * GIB, 'problem', /1.0 GiB free/],
  [6 * GIB, null, 'warning', /at most 5.0 GiB/],
  [6 * GIB, 50 * GIB, 'ok', /at most 50 GiB/],
  [60 * GIB, null, 'ok', /at most 30 GiB/],
])('%i bytes free, of a remembered budget of %j: %s', (free, remembered, state, text) =>
  expectFinding(judgeDisk(free, remembered), state, text),
);

describe('upstream', () => {
  test.each<[string, Answer, State, RegExp]>([
    [
      'a list',
      answered(200, '{"versions_list":["24.10.2","23.05.5"],"stable_version":"24.10.2"}'),
      'ok',
      /lists 2 releases, the stable one is 24.10.2$/,
    ],
    [
      'a page',
      answered(200, HTML, true),
      'problem',
      /^a captive portal or proxy answers in place of https:.*: an HTML page \("Welcome to\\\\u\{202e\} Inn"\)$/,
    ],
    ['a page without a title', answered(200, '<html>', true), 'problem', /captive portal or proxy.*: an HTML page$/],
    ['other JSON', answered(200, '{"detail":"hello"}'), 'problem', /is no list of versions: expected "versions_list"/],
    ['no JSON', answered(200, 'hello\x1b[2J'), 'problem', /is no list of versions: expected JSON, got "hello\\u001b/],
    ['no release', answered(200, '{"versions_list":[]}'), 'problem', /got none/],
    ['404', answered(404, HTML, true), 'problem', /answers 404$/],
    ['503', answered(503, ''), 'problem', /answers 503$/],
    ['nothing', { state: 'failed', reason: 'ECONNREFUSED' }, 'problem', /does not answer: ECONNREFUSED$/],
  ])('%s', (_, answer, state, text) => expectFinding(judgeUpstream(URL, answer), state, text));

  test.each([
    ['text/html; charset=utf-8', '', true],
    ['text/plain', '  <!DOCTYPE HTML>', true],
    [null, '<html lang=de>', true],
    [null, '\n<script>', true],
    ['application/json', '{"x":"<html>"}', false],
    [null, '', false],
    ['text/plain', '<htmlx', true],
  ])('content type %j and body %j are a page: %j', (type, body, page) => {
    expect(isHtml(type, body)).toBe(page);
  });
});

describe('edge', () => {
  const health = (more: { detail?: string; parts?: object } = {}) =>
    JSON.stringify({
      status: 200,
      detail: more.detail ?? 'up',
      parts: {
        kv: { up: true },
        object_store: { up: true, kind: 's3' },
        foreman: { up: true },
        upstream: { up: true, url: 'https://mirror.example', signatures: 'required' },
        nodes: { up: true, present: 3 },
        ...more.parts,
      },
      queue: { waiting: 7, live: 7, running: 0 },
    });
  const down = { parts: { object_store: { up: false, kind: 's3', reason: 'no answer in 5000 ms\n' } } };

  test.each<[string, Answer, State, RegExp]>([
    ['up', answered(200, health()), 'ok', /7 builds wait, nodes present: 3/],
    [
      'degraded for want of nodes, which is what we are here for',
      answered(200, health({ detail: 'degraded', parts: { nodes: { up: false, present: 0 } } })),
      'ok',
      /nodes present: 0/,
    ],
    [
      'degraded',
      answered(
        200,
        health({ detail: 'degraded', parts: { upstream: { up: false, url: '', signatures: 'required' } } }),
      ),
      'warning',
      /degraded: .*upstream: no reason given/,
    ],
    [
      'down',
      answered(503, health({ detail: 'down', ...down })),
      'problem',
      /the edge is down: .*object store: no answer in 5000 ms\\x0a/,
    ],
    ['503 of somebody before it', answered(503, 'upstream connect error'), 'problem', /not as an edge does/],
    ['a page', answered(200, HTML, true), 'problem', /captive portal/],
    ['something else', answered(200, '{"ok":true}'), 'problem', /not as an edge does/],
    ['404', answered(404, '{}'), 'problem', /answers 404/],
    ['nothing', { state: 'failed', reason: 'ENOTFOUND' }, 'problem', /ENOTFOUND/],
  ])('%s', (_, answer, state, text) => expectFinding(judgeEdge('https://edge.example/healthz', answer), state, text));

  test.each<[string, Answer, State, RegExp]>([
    ['a JSON 404', answered(404, '{"status":404,"detail":"no such file"}'), 'ok', /knows what it has/],
    ['a page of somebody else', answered(404, HTML, true), 'problem', /answers 404/],
    ['a file where there is none', answered(200, '{}'), 'problem', /expected 404 for a file that nobody has, got 200/],
    ['a portal', answered(200, HTML, true), 'problem', /captive portal/],
    ['500', answered(500, '{}'), 'problem', /answers 500/],
    ['nothing', { state: 'failed', reason: 'ECONNRESET' }, 'problem', /ECONNRESET/],
  ])('its store answers with %s', (_, answer, state, text) =>
    expectFinding(judgeStore('https://edge.example/store/0/none', answer), state, text),
  );
});

test.each<[string, { host: string; aheadMs: number }[], State, RegExp]>([
  ['nobody says', [], 'warning', /nobody answered/],
  [
    'all agree',
    [
      { host: 'edge', aheadMs: 59_000 },
      { host: 'mirror', aheadMs: -60_000 },
    ],
    'ok',
    /edge and mirror/,
  ],
  ['ours is behind', [{ host: 'edge', aheadMs: 61_000 }], 'problem', /clock is 61 s behind edge$/],
  ['ours is ahead', [{ host: 'edge', aheadMs: -3_600_000 }], 'problem', /clock is 3600 s ahead of edge$/],
  [
    'one disagrees',
    [
      { host: 'edge', aheadMs: 0 },
      { host: 'mirror', aheadMs: 90_000 },
    ],
    'problem',
    /90 s behind mirror$/,
  ],
])('clock: %s', (_, others, state, text) => expectFinding(judgeClock(others), state, text));

describe('certificate', () => {
  const HOUR = 3_600_000;
  const of = (expiresAt: unknown) =>
    `${toBase64Url(new TextEncoder().encode(JSON.stringify({ expiresAt })))}.c2lnbmF0dXJl`;
  test.each<[string, string | null, State, RegExp]>([
    ['none', null, 'warning', /has not joined https:\/\/edge.example yet/],
    ['good', of(20 * HOUR), 'ok', /good for 20 h/],
    ['soon over', of(5 * HOUR), 'warning', /ends in 5 h/],
    ['over', of(-2 * HOUR), 'problem', /ended 2 h ago/],
    ['unreadable', 'x', 'problem', /ended 0 h ago/],
  ])('%s', (_, certificate, state, text) =>
    expectFinding(judgeCertificate(certificate, 'https://edge.example', 0), state, text),
  );
});

test.each<[string, (string | null)[], State, RegExp]>([
  ['none', [], 'ok', /none on disk yet/],
  ['signed', ['d310c6f2833e97f7'], 'ok', /1 on disk, all signed/],
  [
    'one unsigned',
    ['unsigned', 'd310c6f2833e97f7'],
    'warning',
    /1 of 2 on disk are unsigned: 000000000000 \(24.10.2 x86\/64\)/,
  ],
  ['one unknown', [null], 'ok', /of 1 it is not known/],
])('ImageBuilders: %s', (_, signers, state, text) => {
  const record = { url: '', version: '24.10.2', target: 'x86/64', fetchedAtMs: 0, bytes: 0 };
  const shelved = signers.map((signedBy) => ({
    sha256: '0'.repeat(64),
    record: signedBy === null ? null : { ...record, signedBy },
  }));
  expectFinding(judgeImageBuilders(shelved), state, text);
});

test('a build that failed names the reason, the fault behind it, and the last line of what was printed', () => {
  const failure = {
    kind: 'internal' as const,
    detail: 'Error: An internal fault',
    stdout: '',
    stderr: 'one\nPrerequisite check failed\n',
    missingPackages: [],
    conflictingPackages: [],
    durationMs: 1,
  };
  const finding = judgeBuild('apk', { type: 'failed', failure }, 1, new Error('spawn EACCES'));
  expectFinding(
    finding,
    'problem',
    'no image of the demo (apk) could be built: Error: An internal fault; spawn EACCES; Prerequisite check failed',
  );
  expectFinding(judgeBuild('apk', undefined, 1), 'problem', /could be built: it did not say how it ended/);
});
