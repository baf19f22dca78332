/**
 * Lines on a canvas, by uPlot: this file is fetched when a chart is first shown. Colours are the page's own, read from its style at the
 * moment of drawing; lines differ by their strokes as well, for whoever cannot tell the colours apart.
 */
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { day, number } from '../format.ts';
import type { Line } from './lines.ts';

export interface Plot {
  resize(width: number): void;
  destroy(): void;
}

/** In the order of the lines; the legend has the same (status.css). */
const STYLES = [
  { colour: '--chart-1', dash: [] },
  { colour: '--chart-3', dash: [8, 4] },
  { colour: '--chart-2', dash: [2, 4] },
  { colour: '--chart-1', dash: [12, 4, 2, 4] },
  { colour: '--quiet', dash: [4, 2] },
] as const;

const HEIGHT = 240;
/** So that nothing but whole numbers stand at the side, and at least some of them. */
const WHOLE_STEPS = [1, 2, 5].flatMap((n) => Array.from({ length: 9 }, (_, power) => n * 10 ** power)).sort(byValue);
const MIN_TOP = 4;
/** Days, or weeks. */
const LABEL_STEPS = [1, 2, 5, 7, 10, 14, 28];

function byValue(a: number, b: number): number {
  return a - b;
}

/** @param onPoint which of the labels is pointed at; null: none */
export function draw(
  place: HTMLElement,
  labels: readonly string[],
  lines: readonly Line[],
  onPoint: (at: number | null) => void,
): Plot {
  const style = getComputedStyle(place);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const font = `12px ${style.fontFamily}`;
  const axis = { stroke: colour('--quiet'), font, ticks: { show: false } };
  const options: uPlot.Options = {
    width: place.clientWidth,
    height: HEIGHT,
    padding: [12, 24, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false } },
    scales: { x: { time: false }, y: { range: (_, __, max) => [0, Math.max(MIN_TOP, max * 1.05)] } },
    axes: [
      {
        ...axis,
        grid: { show: false },
        incrs: LABEL_STEPS,
        space: 64,
        values: (_, splits) => splits.map((at) => (labels[at] === undefined ? '' : day(labels[at]))),
      },
      {
        ...axis,
        grid: { stroke: colour('--line'), width: 1 },
        incrs: WHOLE_STEPS,
        size: (_, values) => 16 + 8 * Math.max(1, ...(values ?? []).map((text) => text.length)),
        values: (_, splits) => splits.map(number),
      },
    ],
    series: [
      {},
      ...lines.map(({ label }, index) => {
        const { colour: name, dash } = STYLES[index % STYLES.length] ?? STYLES[0];
        const stroke = colour(name);
        return {
          label,
          stroke,
          width: 2,
          dash: [...dash],
          points: { show: false },
          ...(index === 0 && { fill: `${stroke}1c` }),
        };
      }),
    ],
    hooks: { setCursor: [({ cursor }) => onPoint(cursor.idx ?? null)] },
  };
  const data: uPlot.AlignedData = [labels.map((_, at) => at), ...lines.map(({ values }) => [...values])];
  const plot = new uPlot(options, data, place);
  return {
    resize: (width) => plot.setSize({ width, height: HEIGHT }),
    destroy: () => plot.destroy(),
  };
}
