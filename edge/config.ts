/** The edge's configuration, read once per isolate: parsing zod schemas on each request would cost more than a hit. */
import { type EdgeSettings, parseEdgeSettings } from '../shared/edge-settings.ts';
import type { Env } from './env.ts';

const configs = new WeakMap<Env, EdgeSettings>();

/** @throws Error naming the variable that is impossible */
export function configOf(env: Env): EdgeSettings {
  let config = configs.get(env);
  if (!config) {
    config = parseEdgeSettings(env);
    configs.set(env, config);
  }
  return config;
}
