/** What the edge takes from `cloudflare:workers`, as far as the Foreman comes to it. */
export class DurableObject<Env = unknown> {
  protected readonly ctx: unknown;
  protected readonly env: Env;

  constructor(ctx: unknown, env: Env) {
    this.ctx = ctx;
    this.env = env;
  }
}

/** Of the Worker, which is not here. */
export function waitUntil(): never {
  throw new Error('expected no Worker in the simulation');
}
