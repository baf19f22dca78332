/**
 * A chart for those who would rather look, a sentence for those who listen, a table for those who want the numbers. It is drawn anew
 * when its place changes its size, and when the colours of the system change.
 */
import type { VNode } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { day, number } from '../format.ts';
import { MESSAGES } from '../messages.ts';
import { type Line, total } from './lines.ts';
import type { Plot } from './plot.ts';

const { status } = MESSAGES;

interface Props {
  readonly title: string;
  readonly summary: string;
  /** What the labels are, as the head of a table says it. */
  readonly dayTitle: string;
  readonly labels: readonly string[];
  readonly lines: readonly Line[];
}

export function LineChart({ title, summary, dayTitle, labels, lines }: Props): VNode {
  const [pointed, setPointed] = useState<number | null>(null);
  const sentence = useId();
  const at = pointed === null ? undefined : labels[pointed];
  return (
    <figure class="chart">
      <figcaption>
        <p id={sentence}>{summary}</p>
        <ul class="legend" aria-hidden="true">
          {lines.map((line, index) => (
            <li key={line.label}>
              <svg class={`stroke line-${index}`} viewBox="0 0 28 4" aria-hidden="true" focusable="false">
                <path d="M0 2h28" />
              </svg>
              {line.label} <b>{number(pointed === null ? total(line) : (line.values[pointed] ?? 0))}</b>
            </li>
          ))}
          <li class="quiet">{at === undefined ? '' : day(at)}</li>
        </ul>
      </figcaption>
      <Canvas title={title} sentence={sentence} labels={labels} lines={lines} onPoint={setPointed} />
      <details>
        <summary>{status.table}</summary>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and a keyboard must be able to */}
        <section class="scroll numbers" aria-label={title} tabIndex={0}>
          <table>
            <thead>
              <tr>
                <th scope="col">{dayTitle}</th>
                {lines.map(({ label }) => (
                  <th key={label} scope="col" class="number">
                    {label}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {labels
                .map((label, index) => [label, index] as const)
                .toReversed()
                .map(([label, index]) => (
                  <tr key={label}>
                    <th scope="row">{day(label)}</th>
                    {lines.map((line) => (
                      <td key={line.label} class="number">
                        {number(line.values[index] ?? 0)}
                      </td>
                    ))}
                  </tr>
                ))}
            </tbody>
          </table>
        </section>
      </details>
    </figure>
  );
}

interface CanvasProps extends Pick<Props, 'title' | 'labels' | 'lines'> {
  /** Id of what says in words what is drawn. */
  readonly sentence: string;
  readonly onPoint: (at: number | null) => void;
}

function Canvas({ title, sentence, labels, lines, onPoint }: CanvasProps): VNode {
  const place = useRef<HTMLDivElement>(null);
  const scheme = useScheme();
  const [isMissing, setMissing] = useState(false);
  const drawn = JSON.stringify([labels, lines]);
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    let plot: Plot | null = null;
    let isGone = false;
    const size = new ResizeObserver(() => plot?.resize(element.clientWidth));
    import('./plot.ts').then(
      ({ draw }) => {
        if (isGone) return;
        plot = draw(element, labels, lines, onPoint);
        size.observe(element);
      },
      () => isGone || setMissing(true),
    );
    return () => {
      isGone = true;
      size.disconnect();
      plot?.destroy();
    };
  }, [drawn, scheme]);
  if (isMissing) return <p class="quiet">{status.noChart}</p>;
  return <div class="canvas" ref={place} role="img" aria-label={title} aria-describedby={sentence} />;
}

/** Another value whenever the system turns light or dark. */
function useScheme(): boolean {
  const [isDark, setDark] = useState(() => matchMedia('(prefers-color-scheme: dark)').matches);
  useEffect(() => {
    const query = matchMedia('(prefers-color-scheme: dark)');
    const update = (): void => setDark(query.matches);
    query.addEventListener('change', update);
    return () => query.removeEventListener('change', update);
  }, []);
  return isDark;
}
