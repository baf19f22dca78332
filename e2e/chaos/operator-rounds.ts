/** The operator of the edge looks at his nodes now and then. He believes in those that keep dying, and none of his ever lies. */
import { setTimeout as sleep } from 'node:timers/promises';
import { farmOperator, type ListedNode } from '../players/farm-operator.ts';

const ROUND_MS = 3_000;
/** The last round's, and how often a node had to be taken up again that the Foreman had drained. */
export interface OperatorRounds {
  readonly undrained: () => number;
}

export function goRounds(edgeUrl: string, onDistrust: (node: ListedNode) => void, signal: AbortSignal): OperatorRounds {
  const operator = farmOperator(edgeUrl);
  let undrained = 0;
  const round = async () => {
    for (const node of await operator.nodes()) {
      if (node.state === 'draining' && (await operator.act(node.name, 'undrain'))) undrained += 1;
      if (['quarantined', 'revoked'].includes(node.state) || node.wrong > 0) onDistrust(node);
    }
  };
  void (async () => {
    while (!signal.aborted) {
      // In this weather he gets no answer now and then.
      await round().catch(() => undefined);
      await sleep(ROUND_MS, undefined, { signal }).catch(() => undefined);
    }
  })();
  return { undrained: () => undrained };
}
