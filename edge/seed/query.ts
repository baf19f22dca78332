/**
 * Parameters of a query, each at most once and not longer than any such name is. A parameter that is there twice means one thing
 * to a cache and another to us; it is refused.
 */
import type { Context } from 'hono';
import { refuseField } from '../../shared/build/build-error.ts';

const MAX_CHARACTERS = 64;

/**
 * Undefined where it is not there; what is there and empty is nothing said, but it is there.
 * @throws BuildError `invalid_request`, naming the parameter
 */
export function parameter(c: Context, name: string): string | undefined {
  const values = c.req.queries(name) ?? [];
  if (values.length > 1) refuseField(name, `expected once, got ${values.length} times`);
  const value = values[0];
  if (value !== undefined && value.length > MAX_CHARACTERS)
    refuseField(name, `expected at most ${MAX_CHARACTERS} characters, got ${value.length}`);
  return value;
}

/** @throws BuildError `invalid_request`, naming the parameter */
export function neededParameter(c: Context, name: string): string {
  const value = parameter(c, name);
  return value === undefined || value === '' ? refuseField(name, 'expected a value, got none') : value;
}
