import { useEffect, useMemo, useRef, useState } from "react";
import type { Board, Element } from "../api/types";
import { clock, length, since } from "../lib/time";
import { isOver, look } from "../lib/words";
import { Button } from "../ui/Button";
import { Check } from "../ui/Field";
import { useNow } from "../ui/Time";
import { type Row, rows } from "./rows";
import { scale, type Span, ticks } from "./scale";

const LABELS = 170;
const HEIGHT = 24;
const TOP = 22;

/** What happened when: blocks, batches, soaks, retries and checks, and what is in a target. Times of rehearsals count from zero. */
export function Timeline({
  board,
  target,
  isVirtual = false,
  onPick,
}: {
  board: Board;
  /** A target, and what is in it. */
  target?: readonly Element[];
  isVirtual?: boolean;
  onPick?: (address: string) => void;
}) {
  const [width, setWidth] = useState(900);
  const [folds, setFolds] = useState(true);
  const [zoom, setZoom] = useState<Span | null>(null);
  const [drag, setDrag] = useState<{ from: number; to: number } | null>(null);
  const [pointed, setPointed] = useState<string>("");
  const frame = useRef<HTMLDivElement>(null);
  const tick = useNow();
  const isLive = !isVirtual && !isOver(board.run.status);
  const now = isLive ? Math.max(tick, board.at) : board.at;
  const all = useMemo(() => rows(board, now, target), [board, now, target]);
  useEffect(() => {
    const node = frame.current;
    if (!node) return;
    const observer = new ResizeObserver(([entry]) => entry && setWidth(Math.max(320, entry.contentRect.width)));
    observer.observe(node);
    return () => observer.disconnect();
  }, []);
  const spans = all.flatMap((row) => row.segments);
  if (spans.length === 0) {
    return <p className="px-4 py-6 text-muted">Nothing has begun yet.</p>;
  }
  const from = Math.min(...spans.map((span) => span.from));
  const to = Math.max(...spans.map((span) => span.to), from + 1);
  const within = zoom ?? { from, to };
  // A wait is worth seeing by its edges; what is long in it is folded.
  const lively = spans.flatMap((span) =>
    span.kind === "wait" || (span.kind === "block" && hasWaits(board))
      ? [
          { from: span.from, to: Math.min(span.to, span.from + (to - from) * 0.01) },
          { from: Math.max(span.from, span.to - (to - from) * 0.01), to: span.to },
        ]
      : [span],
  );
  const line = scale(lively, within, width - LABELS - 12, 0.08, folds);
  const height = TOP + all.length * HEIGHT + 16;
  const say = (at: number) => (isVirtual ? since(at) : clock(at));
  /** Closer or farther, around the middle. */
  const nearer = (by: number) => {
    const [middle, half] = [(within.from + within.to) / 2, ((within.to - within.from) * by) / 2];
    const next = { from: Math.max(from, middle - half), to: Math.min(to, middle + half) };
    setZoom(next.from <= from && next.to >= to ? null : next);
  };
  const move = (by: number) => {
    const length = within.to - within.from;
    const begin = Math.min(Math.max(from, within.from + length * by), to - length);
    setZoom({ from: begin, to: begin + length });
  };
  const place = (event: { clientX: number }) =>
    Math.max(0, event.clientX - (frame.current?.getBoundingClientRect().left ?? 0) - LABELS);
  return (
    <div>
      <div className="flex flex-wrap items-center gap-3 px-4 pt-2 text-sm text-muted">
        <span className="tabular-nums">
          {say(within.from)} – {say(within.to)} · {length(within.to - within.from)}
        </span>
        <Check label="Fold what is idle" checked={folds} onChange={(event) => setFolds(event.target.checked)} />
        <span className="flex items-center gap-1" role="group" aria-label="Look closer">
          <Button tone="quiet" aria-label="Closer" onPress={() => nearer(0.5)}>+</Button>
          <Button tone="quiet" aria-label="Farther" onPress={() => nearer(2)} isDisabled={!zoom}>−</Button>
          <Button tone="quiet" aria-label="Earlier" onPress={() => move(-0.5)} isDisabled={!zoom}>◀</Button>
          <Button tone="quiet" aria-label="Later" onPress={() => move(0.5)} isDisabled={!zoom}>▶</Button>
        </span>
        {zoom ? (
          <Button tone="quiet" onPress={() => setZoom(null)}>
            Show all of it
          </Button>
        ) : (
          <span>Drag over a stretch to look at it closer.</span>
        )}
        <span className="ml-auto h-5 truncate" aria-live="off">
          {pointed}
        </span>
      </div>
      <div ref={frame} className="overflow-x-auto px-0 pb-2">
        <svg
          width={width}
          height={height}
          role="img"
          aria-label={`Timeline of ${board.run.plan}: ${all.map((row) => words(row)).join("; ")}`}
          onPointerDown={(event) => setDrag({ from: place(event), to: place(event) })}
          onPointerMove={(event) => drag && setDrag({ ...drag, to: place(event) })}
          onPointerUp={() => {
            if (drag && Math.abs(drag.to - drag.from) > 8) {
              const [one, other] = [line.at(drag.from), line.at(drag.to)];
              setZoom({ from: Math.min(one, other), to: Math.max(one, other) });
            }
            setDrag(null);
          }}
          onPointerLeave={() => setDrag(null)}
        >
          <g transform={`translate(${LABELS},0)`}>
            {line.pieces.map((piece) => (
              <g key={piece.from}>
                {piece.isFolded ? (
                  <g>
                    <rect x={piece.x} y={TOP} width={piece.width} height={height - TOP} fill="var(--raised)" />
                    <text x={piece.x + piece.width / 2} y={height - 3} textAnchor="middle" fontSize="10" fill="var(--muted)">
                      ⋯ {length(piece.to - piece.from)}
                    </text>
                  </g>
                ) : (
                  ticks(piece.from, piece.to, Math.max(1, piece.width / 90)).map((at) => (
                    <g key={at}>
                      <line x1={line.x(at)} x2={line.x(at)} y1={TOP - 4} y2={height} stroke="var(--line)" />
                      <text x={line.x(at) + 3} y={14} fontSize="10" fill="var(--muted)">
                        {say(at)}
                      </text>
                    </g>
                  ))
                )}
              </g>
            ))}
          </g>
          {all.map((row, index) => (
            <g key={`${row.address}/${row.label}/${index}`} transform={`translate(0,${TOP + index * HEIGHT})`}>
              <text
                x={12 + row.depth * 14}
                y={16}
                fontSize="12"
                fontWeight={row.depth === 0 ? 600 : 400}
                fill={row.depth === 0 ? "var(--text)" : "var(--muted)"}
              >
                {cut(row.label, 22 - row.depth * 2)}
              </text>
              <g transform={`translate(${LABELS},0)`}>
                {row.segments.map((segment, at) => {
                  if (segment.to < within.from || segment.from > within.to) return null;
                  const [x, end] = [line.x(Math.max(segment.from, within.from)), line.x(Math.min(segment.to, within.to))];
                  const title = `${segment.title}: ${look(segment.state).word}, ${say(segment.from)}, ${length(segment.to - segment.from)}`;
                  return (
                    <rect
                      key={at}
                      x={x}
                      y={segment.kind === "block" ? 4 : 6}
                      width={Math.max(2, end - x - (segment.kind === "batch" ? 1 : 0))}
                      height={segment.kind === "block" ? 15 : 11}
                      rx={2}
                      fill={segment.kind === "wait" ? "none" : `var(--${look(segment.state).colour})`}
                      stroke={segment.kind === "wait" ? "var(--strong)" : "none"}
                      strokeDasharray={segment.kind === "wait" ? "3 2" : undefined}
                      opacity={segment.kind === "block" ? 0.85 : 0.7}
                      className={onPick ? "cursor-pointer" : ""}
                      onPointerEnter={() => setPointed(title)}
                      onPointerLeave={() => setPointed("")}
                      onClick={() => onPick?.(segment.address)}
                    >
                      <title>{title}</title>
                    </rect>
                  );
                })}
              </g>
            </g>
          ))}
          {drag ? (
            <rect
              x={LABELS + Math.min(drag.from, drag.to)}
              y={TOP}
              width={Math.abs(drag.to - drag.from)}
              height={height - TOP}
              fill="var(--accent)"
              opacity={0.15}
            />
          ) : null}
          {isLive && !zoom ? (
            <line x1={LABELS + line.width} x2={LABELS + line.width} y1={TOP} y2={height} stroke="var(--run)" strokeWidth={1.5} />
          ) : null}
        </svg>
      </div>
    </div>
  );
}

function hasWaits(board: Board): boolean {
  return board.blocks.some((block) => block.waits.length > 0);
}

function words(row: Row): string {
  const last = row.segments.at(-1);
  return last ? `${row.label} ${look(last.state).word}` : `${row.label} not begun`;
}

function cut(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}
