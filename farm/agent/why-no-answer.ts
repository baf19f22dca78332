/**
 * Why a call of the edge came to nothing, in words for whoever owns the node. A captive portal or a proxy answers in the edge's place
 * as well, with a page or a redirect, and no fault of the edge or of the node is what to look for then.
 */
import { Code, ConnectError } from '@connectrpc/connect';

/** How Connect tells of an answer without a word of its protocol, or by JSON that is none of it; 5xx are a busy server's too. */
const OF_ANOTHER = /^$|^HTTP [34]\d\d$|^unsupported content type /;

export function whyNoAnswer(error: unknown): string {
  if (!(error instanceof ConnectError)) return (error as Error).message;
  const said = `${Code[error.code]}: ${error.rawMessage}`;
  return OF_ANOTHER.test(error.rawMessage)
    ? `${said}; no edge answers like that: is it a proxy, or does this network want you to sign in?`
    : said;
}
