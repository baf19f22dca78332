/**
 * Sends random requests over several connections at once, each kept alive as long as the server keeps it, and each with a
 * part of the requests that depends on the seed alone. A request that breaks a rule is made smaller by fast-check, which
 * says the seed and the path by which that one comes again.
 */
import type { Arbitrary } from 'fast-check';
import { fc } from '../../shared/chance.fixture.ts';
import { verdictOn } from './broken-rule.ts';
import type { FuzzTally } from './fuzz-tally.ts';
import { KeepAliveConnection } from './keep-alive-connection.ts';
import { type RawRequest, shellCommandOf } from './raw-request.ts';

export interface Fuzz {
  readonly port: number;
  readonly arbitrary: Arbitrary<RawRequest>;
  readonly requests: number;
  readonly seed: number;
  readonly tally: FuzzTally;
  readonly onAnswer: () => void;
}

const LANES = 8;

/** @throws Error of fast-check, about the first lane that failed; the others go on to their end meanwhile */
export async function runLanes({ port, arbitrary, requests, seed, tally, onAnswer }: Fuzz): Promise<void> {
  const numRuns = Math.ceil(requests / LANES);
  const runLane = async (lane: number): Promise<void> => {
    const connection = new KeepAliveConnection(port);
    const property = fc.asyncProperty(arbitrary, async (request) => {
      await sendOne(connection, request, tally);
      onAnswer();
    });
    await fc.assert(property, { numRuns, seed: seed + lane }).finally(() => connection.close());
  };
  const ended = await Promise.allSettled(Array.from({ length: LANES }, (_, lane) => runLane(lane)));
  for (const lane of ended) if (lane.status === 'rejected') throw lane.reason;
}

/** @throws Error with the rule that was broken, and the request as a line for a shell */
export async function sendOne(connection: KeepAliveConnection, request: RawRequest, tally: FuzzTally): Promise<void> {
  const answer = await connection.exchange(request).catch((cause: unknown) => {
    connection.close();
    throw new Error(`expected an answer\n${shellCommandOf(request)}`, { cause });
  });
  const verdict = verdictOn(request, answer);
  tally.add(verdict, answer);
  if (verdict.kind === 'broken') throw new Error(`${verdict.rule}\n${answer.status}\n${shellCommandOf(request)}`);
}
