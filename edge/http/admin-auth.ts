/**
 * Who runs this farm? One key, compared without telling by the time it takes how much of a guess was right. Where there is no
 * key there is no such API either, and the answer is that of any page that there is not: a server that nobody set up for this
 * must not have a door that is only locked.
 */
import type { MiddlewareHandler } from 'hono';
import { equalSecrets } from '../../shared/crypto/equal-secrets.ts';
import { edgeContext } from '../edge-context.ts';
import type { Env } from '../env.ts';
import { RETRY_AFTER_SECONDS } from '../lifetimes.ts';
import { notFound, problem, titleOf } from './answer.ts';

/** The scheme in any case, as RFC 9110 has it; the key as it is. */
const bearer = (header: string): string => /^bearer ([0-9a-f]{64})$/i.exec(header)?.[1] ?? '';

export const forAdmins: MiddlewareHandler<{ Bindings: Env }> = async (c, next) => {
  const context = await edgeContext(c.env);
  const { ADMIN_KEY } = context.config;
  if (ADMIN_KEY === '') return notFound('no such page');
  if (equalSecrets(bearer(c.req.header('authorization') ?? ''), ADMIN_KEY)) return next();
  // The key itself is never refused for others' guesses: nobody can guess 32 bytes, but anybody can keep an operator out.
  const client = context.clients.of(c.req.raw.headers, Date.now());
  if (client !== null && !context.wrongKeys.reserve(client))
    return problem(
      429,
      titleOf(429),
      'Too many wrong keys from your network, please try again later',
      { error_kind: 'too_many_requests' },
      { 'retry-after': String(RETRY_AFTER_SECONDS.limited) },
    );
  return problem(
    401,
    titleOf(401),
    'Expected "Authorization: Bearer" with the key of those who run this server',
    {},
    { 'www-authenticate': 'Bearer' },
  );
};
