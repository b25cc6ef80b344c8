import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

/** Lines over time. */
export function Plot({ title, times, lines }: { title: string; times: number[]; lines: { name: string; values: (number | null)[]; colour: string }[] }) {
  const frame = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const names = lines.map((line) => `${line.name}/${line.colour}`).join();
  useEffect(() => {
    const node = frame.current;
    if (!node) return;
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
    const axis = { stroke: colour("muted"), grid: { stroke: colour("line"), width: 1 }, ticks: { stroke: colour("line"), width: 1 } };
    const one = new uPlot(
      {
        width: node.clientWidth || 400,
        height: 160,
        legend: { show: false },
        cursor: { drag: { x: false, y: false } },
        // Of a single look there is no stretch of time: a minute is shown.
        scales: { x: { range: (_, least, most) => (least === null || least === most ? [(most ?? 60) - 60, most ?? 60] : [least, most]) } },
        axes: [axis, { ...axis, size: 56 }],
        series: [{}, ...lines.map((line) => ({ label: line.name, stroke: colour(line.colour), width: 1.5, points: { show: false } }))],
      },
      [[], ...lines.map(() => [])] as unknown as uPlot.AlignedData,
      node,
    );
    plot.current = one;
    const observer = new ResizeObserver(() => one.setSize({ width: node.clientWidth, height: 160 }));
    observer.observe(node);
    return () => {
      observer.disconnect();
      one.destroy();
      plot.current = null;
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [names]);
  useEffect(() => {
    plot.current?.setData([times.map((at) => at / 1000), ...lines.map((line) => line.values)] as uPlot.AlignedData);
  });
  const last = lines.map((line) => `${line.name} ${format(line.values.at(-1))}`).join(" · ");
  return (
    <figure className="card px-3 pt-2 pb-1">
      <figcaption className="flex justify-between gap-3">
        <span className="font-medium">{title}</span>
        <span className="text-muted tabular-nums">{last}</span>
      </figcaption>
      <div ref={frame} role="img" aria-label={`${title}: ${last}`} />
    </figure>
  );
}

function format(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  return value >= 100 ? String(Math.round(value)) : value.toPrecision(3).replace(/\.?0+$/, "");
}
