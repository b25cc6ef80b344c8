import { useEffect, useMemo, useRef, useState } from "react";
import type { BoardBlock } from "../api/types";
import { colour, whenRecoloured } from "../lib/colours";
import { grouped, look, stateOf } from "../lib/words";
import { Choice } from "../ui/Field";
import { beside, groups, lay } from "./groups";
import type { LiveBoard } from "./live";
import { LIVELY, useChanges } from "./useLive";

const KEYS = ["ArrowRight", "ArrowLeft", "ArrowDown", "ArrowUp", "Home", "End"];

/** How often cells move at the most that are grouped by how they stand. */
const MOVES = 200;

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
  useEffect(() => {
    const node = frame.current;
    if (!node) return;
    const observer = new ResizeObserver(([entry]) => entry && setWidth(Math.floor(entry.contentRect.width)));
    observer.observe(node);
    return () => observer.disconnect();
  }, []);
  // Groups by state move with what changes; the others stay where they are.
  const version = useChanges(by === "state" ? live : null, MOVES);
  const laid = useMemo(
    () => lay(groups(block, live.letters[at] ?? [], by), width),
    // The letters change in place; `version` tells of it where it matters.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [block, live, at, by, width, version],
  );
  useEffect(() => {
    const isPicked = picked ? block.names.indexOf(picked) : -1;
    let drawn: string[] = [];
    const draw = () => {
      drawn = paint(canvas.current, laid, live.letters[at] ?? [], drawn, width, isPicked);
    };
    draw();
    // Whoever subscribes is told when a picture is made: what is drawn now is in it.
    const end = live.subscribe(draw);
    const endTheme = whenRecoloured(() => {
      drawn = [];
      draw();
    });
    return () => {
      end();
      endTheme();
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
            if (KEYS.includes(event.key)) {
              event.preventDefault();
              setFocus(beside(laid, focus, event.key));
            } else if (event.key === "Enter") pick(focus);
          }}
        />
      </div>
    </div>
  );
}

/** Draws the cells that are not as they were drawn, or all where nothing was; gives what is drawn now. */
function paint(
  canvas: HTMLCanvasElement | null,
  laid: ReturnType<typeof lay>,
  letters: readonly string[],
  drawn: string[],
  width: number,
  picked: number,
): string[] {
  const pen = canvas?.getContext("2d");
  if (!canvas || !pen) return [];
  const ratio = devicePixelRatio || 1;
  const [wide, high] = [Math.floor(width * ratio), Math.floor(laid.height * ratio)];
  const isNew = drawn.length === 0 || canvas.width !== wide || canvas.height !== high;
  if (canvas.width !== wide || canvas.height !== high) {
    [canvas.width, canvas.height] = [wide, high];
    canvas.style.width = `${width}px`;
    canvas.style.height = `${laid.height}px`;
  }
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  const { size } = laid;
  if (isNew) {
    pen.clearRect(0, 0, width, laid.height);
    pen.font = "11px sans-serif";
    pen.fillStyle = colour("muted");
    for (const title of laid.titles) pen.fillText(`${look(title.name).word} · ${grouped(title.count)}`, 0, title.y);
  }
  const panel = colour("panel");
  // Not by colour alone: what failed has a notch, what waits a bar.
  const third = Math.max(1, Math.floor(size / 4));
  // Asking for a colour, and telling the pen, takes longer than drawing a cell.
  const colours = new Map<string, string>();
  let dipped = "";
  const dip = (letter: string) => {
    if (dipped === letter) return;
    let found = colours.get(letter);
    if (found === undefined) {
      found = colour(letter === "." ? "pend" : look(stateOf(letter)).colour);
      colours.set(letter, found);
    }
    pen.fillStyle = found;
    dipped = letter;
  };
  for (const { index, x, y } of laid.cells) {
    const letter = letters[index] ?? ".";
    if (!isNew && drawn[index] === letter) continue;
    dip(letter);
    pen.fillRect(x, y, size, size);
    if (letter === "f" || letter === "?" || letter === "w" || letter === "x") {
      pen.fillStyle = panel;
      dipped = "";
      if (letter === "f") pen.fillRect(x + size - third * 2, y, third * 2, third * 2);
      else pen.fillRect(x + third, y + size / 2 - third / 2, size - 2 * third, third);
    }
  }
  // Over the edges of its neighbours, so after all of them.
  const chosen = picked < 0 ? undefined : laid.cells.find((cell) => cell.index === picked);
  if (chosen) {
    pen.strokeStyle = colour("text");
    pen.lineWidth = 2;
    pen.strokeRect(chosen.x - 0.5, chosen.y - 0.5, size + 1, size + 1);
  }
  return letters.slice();
}

function Legend({ live, at }: { live: LiveBoard; at: number }) {
  useChanges(live, LIVELY);
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
