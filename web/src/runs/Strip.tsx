import { useEffect, useMemo, useRef, useState } from "react";
import type { BoardBlock } from "../api/types";
import { grouped, look, stateOf } from "../lib/words";
import { Choice } from "../ui/Field";
import { groups, lay } from "./groups";
import type { LiveBoard } from "./live";

/** One cell for each target, thousands at once. It is drawn by itself: nothing else is drawn anew when a cell changes. */
export function Strip({
  live,
  at,
  block,
  picked,
  onPick,
}: {
  live: LiveBoard;
  at: number;
  block: BoardBlock;
  picked: string;
  onPick: (address: string) => void;
}) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const frame = useRef<HTMLDivElement>(null);
  const [by, setBy] = useState("");
  const [width, setWidth] = useState(800);
  const [pointed, setPointed] = useState<number | null>(null);
  const [focus, setFocus] = useState(0);
  const [version, setVersion] = useState(0);
  useEffect(() => {
    const node = frame.current;
    if (!node) return;
    const observer = new ResizeObserver(([entry]) => entry && setWidth(Math.floor(entry.contentRect.width)));
    observer.observe(node);
    return () => observer.disconnect();
  }, []);
  // Groups by state move with every change; the others stay where they are.
  useEffect(() => (by === "state" ? live.subscribe(() => setVersion(live.version)) : undefined), [live, by]);
  const laid = useMemo(
    () => lay(groups(block, live.letters[at] ?? [], by), width),
    // The letters change in place; `version` tells of it where it matters.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [block, live, at, by, width, version],
  );
  useEffect(() => {
    let asked = 0;
    const draw = () => {
      asked = 0;
      paint(canvas.current, laid, live.letters[at] ?? [], width, picked ? block.names.indexOf(picked) : -1);
    };
    const later = () => {
      if (asked === 0) asked = requestAnimationFrame(draw);
    };
    draw();
    const end = live.subscribe(later);
    const theme = new MutationObserver(later);
    theme.observe(document.documentElement, { attributes: true });
    return () => {
      end();
      theme.disconnect();
      cancelAnimationFrame(asked);
    };
  }, [laid, live, at, width, picked, block]);
  const find = (event: { clientX: number; clientY: number }): number | null => {
    const box = canvas.current?.getBoundingClientRect();
    if (!box) return null;
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const cell = laid.cells.find((one) => x >= one.x && x < one.x + laid.size && y >= one.y && y < one.y + laid.size);
    return cell?.index ?? null;
  };
  const pick = (index: number | null) => {
    const name = index === null ? undefined : block.names[index];
    if (name !== undefined) onPick(name);
  };
  const shown = pointed ?? (focus < block.names.length ? focus : null);
  const word = shown === null ? "" : `${block.names[shown]}: ${look(stateOf(live.letters[at]?.[shown] ?? ".")).word}`;
  const labels = Object.keys(block.labels);
  return (
    <div>
      <div className="flex flex-wrap items-end gap-4 px-4 pt-2">
        <Legend live={live} at={at} />
        <div className="ml-auto flex items-center gap-2">
          <span className="text-sm text-muted">{word}</span>
          <Choice
            label="Group by"
            isHidden
            value={by}
            onChange={(event) => setBy(event.target.value)}
            of={[["", "in order"], ["state", "by state"], ...labels.map((label) => [label, `by ${label}`] as const)]}
          />
        </div>
      </div>
      <div ref={frame} className="mx-4 my-2">
        <canvas
          ref={canvas}
          width={width}
          height={laid.height}
          tabIndex={0}
          role="img"
          aria-label={`${grouped(block.names.length)} targets of ${block.name}. ${word}. Arrow keys move, Enter opens one.`}
          className="block cursor-pointer rounded-sm"
          onPointerMove={(event) => setPointed(find(event))}
          onPointerLeave={() => setPointed(null)}
          onClick={(event) => pick(find(event))}
          onKeyDown={(event) => {
            const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 20, ArrowUp: -20, Home: -1e9, End: 1e9 }[event.key];
            if (step !== undefined) {
              event.preventDefault();
              setFocus(Math.min(block.names.length - 1, Math.max(0, focus + step)));
            } else if (event.key === "Enter") pick(focus);
          }}
        />
      </div>
    </div>
  );
}

function paint(
  canvas: HTMLCanvasElement | null,
  laid: ReturnType<typeof lay>,
  letters: readonly string[],
  width: number,
  picked: number,
): void {
  const pen = canvas?.getContext("2d");
  if (!canvas || !pen) return;
  const ratio = devicePixelRatio || 1;
  const [wide, high] = [Math.floor(width * ratio), Math.floor(laid.height * ratio)];
  if (canvas.width !== wide || canvas.height !== high) {
    [canvas.width, canvas.height] = [wide, high];
    canvas.style.width = `${width}px`;
    canvas.style.height = `${laid.height}px`;
  }
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, laid.height);
  const style = getComputedStyle(document.documentElement);
  const colours = new Map<string, string>();
  const colour = (name: string) => {
    const known = colours.get(name) ?? style.getPropertyValue(`--${name}`);
    colours.set(name, known);
    return known;
  };
  pen.font = "11px sans-serif";
  for (const title of laid.titles) {
    pen.fillStyle = colour("muted");
    pen.fillText(`${look(title.name).word} · ${grouped(title.count)}`, 0, title.y);
  }
  for (const { index, x, y } of laid.cells) {
    const letter = letters[index] ?? ".";
    pen.fillStyle = letter === "." ? colour("pend") : colour(look(stateOf(letter)).colour);
    pen.fillRect(x, y, laid.size, laid.size);
    // Not by colour alone: what failed has a notch, what waits a bar.
    if (letter === "f" || letter === "?" || letter === "w" || letter === "x") {
      pen.fillStyle = colour("panel");
      const third = Math.max(1, Math.floor(laid.size / 4));
      if (letter === "f") pen.fillRect(x + laid.size - third * 2, y, third * 2, third * 2);
      else pen.fillRect(x + third, y + laid.size / 2 - third / 2, laid.size - 2 * third, third);
    }
    if (index === picked) {
      pen.strokeStyle = colour("text");
      pen.lineWidth = 2;
      pen.strokeRect(x - 0.5, y - 0.5, laid.size + 1, laid.size + 1);
    }
  }
}

function Legend({ live, at }: { live: LiveBoard; at: number }) {
  const [, setVersion] = useState(0);
  useEffect(() => live.subscribe(() => setVersion(live.version)), [live]);
  const tally = live.tally(at);
  const order = ["r", "f", "?", "w", "x", "c", "s", "k", "."];
  return (
    <ul className="flex flex-wrap gap-x-4 gap-y-1" aria-label="How targets stand">
      {order
        .filter((letter) => tally[letter])
        .map((letter) => {
          const { word, sign, colour } = look(stateOf(letter));
          return (
            <li key={letter} className="flex items-center gap-1.5 tabular-nums">
              <span aria-hidden className="inline-block size-2.5 rounded-xs" style={{ background: `var(--${letter === "." ? "pend" : colour})` }} />
              <span className="font-medium">{grouped(tally[letter] ?? 0)}</span>
              <span className="text-muted">
                {word} <span aria-hidden>{sign}</span>
              </span>
            </li>
          );
        })}
    </ul>
  );
}
