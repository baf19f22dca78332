/** What becomes of an order that was brought to a node; see server/node-service.ts. */
export type Offer =
  | { readonly state: 'taken'; readonly leaseId: string }
  /** Not by the edge; a wrong value; no slot; not now. Each with a sentence for the caller. */
  | { readonly state: 'forged' | 'wrong' | 'busy' | 'unable'; readonly reason: string };
