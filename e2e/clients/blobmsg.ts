/**
 * JSON as auc reads it: libubox turns an answer into typed attributes, and a policy names the type of each field. A field of
 * another type is as if it were not there, without a word; that is how one wrong type takes a whole branch or image away.
 */
interface Types {
  readonly string: string;
  readonly table: Readonly<Record<string, unknown>>;
  readonly array: readonly unknown[];
  readonly bool: boolean;
  /** A whole number of 32 bits; a larger one is another type, a fraction a third. */
  readonly int32: number;
}

type Policy = Readonly<Record<string, keyof Types>>;
export type Parsed<P extends Policy> = { readonly [Name in keyof P]?: Types[P[Name]] };

export function parseFields<P extends Policy>(policy: P, table: unknown): Parsed<P> {
  if (typeOf(table) !== 'table') return {};
  const fields = Object.entries(table as object).filter(
    ([name, value]) => Object.hasOwn(policy, name) && policy[name] === typeOf(value),
  );
  return Object.fromEntries(fields) as Parsed<P>;
}

export function typeOf(value: unknown): keyof Types | 'other' {
  if (typeof value === 'string') return 'string';
  if (typeof value === 'boolean') return 'bool';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'object' && value !== null) return 'table';
  return Number.isInteger(value) && Math.abs(value as number) <= 0x7fffffff ? 'int32' : 'other';
}
