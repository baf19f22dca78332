/**
 * Gives every test project that names this file one shared S3 server, as `inject('s3')`.
 * A run with several such projects starts one server, not one each: the first setup starts it, the last teardown ends it.
 */
import type { TestProject } from 'vitest/node';
import type { S3Server } from './provided-context.ts';
import { type Swift, startSwift } from './swift.ts';

interface Shared {
  swift: Promise<Swift>;
  projects: number;
}

/** On globalThis, because the runner evaluates this module once per project and a module variable would not be shared. */
const registry = globalThis as typeof globalThis & { [key: symbol]: Shared | undefined };
const key = Symbol.for('asu.test.swift');

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  registry[key] ??= { swift: startSwift(), projects: 0 };
  const shared = registry[key];
  shared.projects += 1;
  try {
    const { endpoint, accessKeyId, secretAccessKey, region } = await shared.swift;
    project.provide('s3', { endpoint, accessKeyId, secretAccessKey, region } satisfies S3Server);
  } catch (error) {
    await release(shared).catch(() => {}); // The start's own error is the one to show.
    throw error;
  }
  return () => release(shared);
}

async function release(shared: Shared): Promise<void> {
  shared.projects -= 1;
  if (shared.projects > 0) return;
  registry[key] = undefined;
  await (await shared.swift).stop();
}
