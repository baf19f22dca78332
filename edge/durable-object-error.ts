/**
 * What the platform notes on the error of a call to a Durable Object: that it was thrown there, that the object was restarted (every
 * deployment does that) or is out of reach, that it has too much to do. Whoever cannot tell these from an error of the Worker's own
 * code takes a pause of the one Foreman for a fault that stays.
 * Source: https://developers.cloudflare.com/durable-objects/best-practices/error-handling/
 */
interface Marks {
  readonly remote?: unknown;
  readonly retryable?: unknown;
  readonly overloaded?: unknown;
  readonly durableObjectReset?: unknown;
}

const marksOf = (error: unknown): Marks => (error ?? {}) as Marks;

/** The object did not answer, whyever. */
export function isOfDurableObject(error: unknown): boolean {
  const { remote, retryable, overloaded, durableObjectReset } = marksOf(error);
  return [remote, retryable, overloaded, durableObjectReset].includes(true);
}

/** To ask once more at once may help: it was out of reach, and has not too much to do. */
export function isPassing(error: unknown): boolean {
  const { retryable, overloaded } = marksOf(error);
  return retryable === true && overloaded !== true;
}
