/** Recent failures as plain text, newest first: what a maintainer reads to see which device or package is broken. */
import type { PublicFailure } from './public-failure.ts';

/** `2026-11-24 03:19Z`: to the minute. */
const minute = (ms: number): string => `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')}Z`;

export function failureText(failures: readonly PublicFailure[], n: number): string {
  const shown = failures.slice(0, n);
  const [newest, oldest] = [shown.at(0), shown.at(-1)];
  if (!newest || !oldest) return 'No build has failed lately.\n';
  const head = `${shown.length} of ${failures.length} failed builds, ${minute(oldest.at)} to ${minute(newest.at)}, newest first\n`;
  return [head, ...shown.map(entry)].join('\n');
}

function entry({ at, version, target, profile, kind, detail, lastLines }: PublicFailure): string {
  const lines = [
    `${minute(at)} ${version} ${target} ${profile} ${kind}: ${detail}`,
    ...lastLines.map((line) => `    ${line}`),
  ];
  return `${lines.join('\n')}\n`;
}
