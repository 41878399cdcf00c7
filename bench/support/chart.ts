import { init, use } from 'echarts/core';
import { LineChart } from 'echarts/charts';
import { GridComponent, LegendComponent, TitleComponent } from 'echarts/components';
import { SVGRenderer } from 'echarts/renderers';

export interface Line {
  readonly name: string;
  /** One for each place on the horizontal axis. */
  readonly values: readonly (number | undefined)[];
}

export interface Chart {
  readonly title: string;
  readonly across: { readonly name: string; readonly places: readonly string[] };
  /** The axis upwards, which is logarithmic. */
  readonly up: string;
  readonly lines: readonly Line[];
}

use([LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

/** A picture of lines, as SVG. */
export function drawLines({ title, across, up, lines }: Chart): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: 760, height: 420 });
  try {
    // Its figures stand below it, so that they do not meet those of the next line.
    const lowest = lines.findIndex((line) => line === lines.toSorted(byFirstValue)[0]);
    chart.setOption({
      animation: false,
      color: ['#8c8c8c', '#e08a1e', '#1f6feb', '#2da44e'],
      // It is seen on light pages and on dark ones.
      backgroundColor: '#ffffff',
      title: { text: title, left: 'center', top: 8, textStyle: { fontSize: 15 } },
      legend: { bottom: 8, data: lines.map(({ name }) => name) },
      grid: { left: 72, right: 40, top: 56, bottom: 84 },
      xAxis: { type: 'category', data: across.places, name: across.name, nameLocation: 'middle', nameGap: 28 },
      yAxis: { type: 'log', name: up, nameLocation: 'middle', nameGap: 48 },
      series: lines.map(({ name, values }, index) => ({
        type: 'line',
        name,
        data: values.map((value) => value ?? null),
        symbolSize: 7,
        label: {
          show: true,
          position: index === lowest ? 'bottom' : 'top',
          formatter: ({ value }: { value: unknown }) => Number(value).toPrecision(2),
        },
      })),
    });
    return chart.renderToSVGString();
  } finally {
    chart.dispose();
  }
}

function byFirstValue(a: Line, b: Line): number {
  return (a.values[0] ?? 0) - (b.values[0] ?? 0);
}
