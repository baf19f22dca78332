/** Who holds the key of the admin API and sets the rules, as tests need him. */

export const ADMIN_KEY = 'ad'.repeat(32);

/**
 * As few as may be: two volunteers that agree, on every target. Who agrees is what tests are about, and not how many it takes; all of
 * them call from this machine.
 */
export const TWO_OF_TWO = {
  operators: 2,
  unproven_operators: 2,
  active_operators: 2,
  distinct_networks: false,
  reproducible: ['* *'],
} as const;

export interface ListedNode {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly reason: string;
  readonly right: number;
  readonly wrong: number;
  readonly lost: number;
}

export interface FarmOperator {
  nodes(): Promise<ListedNode[]>;
  /** By the name that the node gave itself; false where the edge refuses. */
  act(name: string, action: 'drain' | 'undrain' | 'quarantine' | 'release' | 'revoke'): Promise<boolean>;
}

/** `edgeUrl`: of an edge that was started with `ADMIN_KEY`. */
export function farmOperator(edgeUrl: string): FarmOperator {
  const admin = (method: 'GET' | 'POST', path: string): Promise<Response> =>
    fetch(`${edgeUrl}/api/v1/admin/nodes${path}`, { method, headers: { authorization: `Bearer ${ADMIN_KEY}` } });
  const nodes = async (): Promise<ListedNode[]> =>
    ((await (await admin('GET', '')).json()) as { nodes: ListedNode[] }).nodes;
  return {
    nodes,
    act: async (name, action) => {
      const node = (await nodes()).find((one) => one.name === name);
      if (!node) throw new Error(`expected a node ${name}`);
      return (await admin('POST', `/${node.id}/${action}`)).ok;
    },
  };
}
