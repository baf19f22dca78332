/** What became of the requests, so that one sees whether the fuzz came anywhere: thousands of 404s would prove little. */
import type { Verdict } from './broken-rule.ts';
import type { NoAnswer, RawAnswer } from './keep-alive-connection.ts';

export class FuzzTally {
  readonly #statuses = new Map<number, number>();
  readonly #verdicts = new Map<Verdict['kind'], number>();
  sent = 0;

  add(verdict: Verdict, { status }: RawAnswer | NoAnswer): void {
    this.sent++;
    this.#verdicts.set(verdict.kind, this.of(verdict.kind) + 1);
    if (verdict.kind === 'kept' && status !== null) this.#statuses.set(status, this.withStatus(status) + 1);
  }

  of(kind: Verdict['kind']): number {
    return this.#verdicts.get(kind) ?? 0;
  }

  withStatus(status: number): number {
    return this.#statuses.get(status) ?? 0;
  }

  toString(): string {
    const statuses = [...this.#statuses].sort(([a], [b]) => a - b).map(([status, count]) => `${status}: ${count}`);
    return `${this.sent} requests: ${statuses.join(', ')}; refused by the runtime: ${this.of('refused by the runtime')}; clients that had gone: ${this.of('no answer')}`;
  }
}
