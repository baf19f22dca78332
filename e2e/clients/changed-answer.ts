/** The edge's true answers with one thing changed, for the tampering proxy: one line of a test each. */
import { gzipSync } from 'node:zlib';
import type { ProxiedAnswer, Tamper } from './tampering-proxy.ts';

type Change = (answer: ProxiedAnswer) => ProxiedAnswer;
type Body = Readonly<Record<string, unknown>>;

/** Changes the answers to requests that match. */
export const on =
  (line: RegExp, change: Change): Tamper =>
  (asked, answer) =>
    line.test(asked) ? change(answer) : answer;

/** Fields of a JSON object set to something else; undefined takes one away. */
export const set = (line: RegExp, fields: Body): Tamper => json(line, (body) => ({ ...body, ...fields }));

/** The same of an object within it. */
export const setIn = (line: RegExp, path: readonly string[], fields: Body): Tamper =>
  json(line, (body) => changedAt(body, path, (inner) => ({ ...inner, ...fields })));

/** The same of every element of a list, or of the list that the answer is. */
export const setEach = (line: RegExp, path: readonly string[], fields: Body): Tamper =>
  json(line, (body) => changedAt(body, path, (items) => items.map((item: Body) => ({ ...item, ...fields }))));

// biome-ignore lint/suspicious/noExplicitAny: what a server answers is what a test is about
function changedAt(value: any, path: readonly string[], change: (value: any) => any): unknown {
  const [key, ...rest] = path;
  return key === undefined ? change(value) : { ...value, [key]: changedAt(value[key], rest, change) };
}

function json(line: RegExp, change: (body: Body) => unknown): Tamper {
  return on(line, (answer) => withBody(answer, JSON.stringify(change(JSON.parse(answer.body.toString())))));
}

export function withBody(answer: ProxiedAnswer, content: string | Buffer): ProxiedAnswer {
  const body = Buffer.from(content);
  return { ...answer, headers: { ...answer.headers, 'content-length': String(body.length) }, body };
}

export const withStatus =
  (status: number, body: Body): Change =>
  (answer) =>
    withBody({ ...answer, status }, JSON.stringify({ status, ...body }));

/** As if it were being built; a real one would be over too soon. */
export const started =
  (fields: Body): Change =>
  (answer) => {
    const { request_hash } = JSON.parse(answer.body.toString());
    return withStatus(202, { detail: 'started', request_hash, imagebuilder_status: 'init', ...fields })(answer);
  };

export const without =
  (header: string): Change =>
  (answer) => ({
    ...answer,
    headers: Object.fromEntries(Object.entries(answer.headers).filter(([name]) => name !== header)),
  });

export const html: Change = (answer) => withBody({ ...answer, status: 502 }, '<html>Bad Gateway</html>');

export const redirected: Change = (answer) => ({
  ...answer,
  status: 301,
  headers: { ...answer.headers, location: '/elsewhere' },
});

export function gzipped(answer: ProxiedAnswer): ProxiedAnswer {
  const packed = withBody(answer, gzipSync(answer.body));
  return { ...packed, headers: { ...packed.headers, 'content-encoding': 'gzip' } };
}
