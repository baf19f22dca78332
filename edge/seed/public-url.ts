/**
 * How clients reach this server, for answers that must hold whole URLs: clients of 2018 take `sysupgrade` and `files` as they
 * are. Where the operator did not say, it is what this client asked; such an answer is cached nowhere.
 */
import type { EdgeContext } from '../edge-context.ts';

/** Without a slash at its end. */
export const publicUrl = ({ config }: Pick<EdgeContext, 'config'>, request: Request): string =>
  config.PUBLIC_URL || new URL(request.url).origin;
