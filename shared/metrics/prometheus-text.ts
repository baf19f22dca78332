/**
 * Prometheus' text format, version 0.0.4, for the edge and for nodes. Label values may be strangers' words: unescaped, one
 * with a quote or a line break in it would make the whole page unreadable, or add samples of its own.
 */
export interface Sample {
  /** Behind the family's name: a histogram's `_bucket`, `_sum` and `_count`. */
  readonly suffix?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface MetricFamily {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly name: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

export const PROMETHEUS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export const prometheusText = (families: readonly MetricFamily[]): string =>
  families
    .flatMap(({ type, name, help, samples }) => [
      `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`,
      `# TYPE ${name} ${type}`,
      ...samples.map((sample) => `${name}${sample.suffix ?? ''}${labelsText(sample.labels)} ${number(sample.value)}`),
    ])
    .map((line) => `${line}\n`)
    .join('');

function labelsText(labels: Readonly<Record<string, string>> = {}): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

const escaped = (value: string): string =>
  value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');

const number = (value: number): string =>
  value === Number.POSITIVE_INFINITY ? '+Inf' : value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
