/**
 * Who answers a request: by one regular expression for all paths, and a table of those that are fixed. Hono's own choice goes
 * through a tree for each request as soon as one path is nothing for an expression, and tells nobody; here such a path throws when it is
 * registered. And who always answers is told as the last one: nearly every path has another handler for other methods, and where
 * there are two, Hono makes a chain of promises first. Every route gains by it (docs/benchmarks.md).
 */
import type { Result, Router } from 'hono/router';
import { RegExpRouter } from 'hono/router/reg-exp-router';
import type { H, RouterRoute } from 'hono/types';

type Registered = [handler: H, route: RouterRoute];

export class EdgeRouter implements Router<Registered> {
  readonly name = 'EdgeRouter';
  readonly #router = new RegExpRouter<Registered>();

  /** @throws UnsupportedPathError where a fixed word stands beside a parameter */
  add(method: string, path: string, handler: Registered): void {
    this.#router.add(method, path, handler);
  }

  match(method: string, path: string): Result<Registered> {
    const [handlers, parameters] = this.#router.match(method, path) as [
      [Registered, Record<string, number>][],
      string[],
    ];
    const last = handlers.findIndex(([[handler]]) => alwaysAnswers(handler));
    return [last < 0 ? handlers : handlers.slice(0, last + 1), parameters];
  }
}

/** Who does not take `next` cannot let by. */
const alwaysAnswers = (handler: H): boolean => handler.length < 2;
