/** A scale of time in which long stretches without anything are folded to a narrow mark. */

export interface Span {
  from: number;
  to: number;
}

interface Piece extends Span {
  x: number;
  width: number;
  isFolded: boolean;
}

export interface Scale {
  pieces: Piece[];
  width: number;
  x(at: number): number;
  /** The time at a place. */
  at(x: number): number;
}

/** How wide a folded stretch is. */
export const FOLD = 28;

/** The stretches of a time in which something goes on. */
export function busy(spans: readonly Span[], within: Span): Span[] {
  const sorted = spans
    .map(({ from, to }) => ({ from: Math.max(from, within.from), to: Math.min(to, within.to) }))
    .filter(({ from, to }) => to >= from)
    .sort((one, other) => one.from - other.from);
  const merged: Span[] = [];
  for (const span of sorted) {
    const last = merged.at(-1);
    if (last && span.from <= last.to) last.to = Math.max(last.to, span.to);
    else merged.push({ ...span });
  }
  return merged;
}

/** A scale over some time. Idle stretches longer than a share of all are folded. */
export function scale(spans: readonly Span[], within: Span, width: number, share = 0.08, folds = true): Scale {
  const total = Math.max(1, within.to - within.from);
  const pieces: Omit<Piece, "x" | "width">[] = [];
  let at = within.from;
  if (folds) {
    for (const span of [...busy(spans, within), { from: within.to, to: within.to }]) {
      const idle = span.from - at;
      if (idle > total * share && idle > 0) {
        pieces.push({ from: at, to: span.from, isFolded: true });
        at = span.from;
      }
      if (span.to > at) {
        const last = pieces.at(-1);
        if (last && !last.isFolded) last.to = span.to;
        else pieces.push({ from: at, to: span.to, isFolded: false });
        at = span.to;
      }
    }
  }
  if (at < within.to || pieces.length === 0) {
    const last = pieces.at(-1);
    if (last && !last.isFolded) last.to = within.to;
    else pieces.push({ from: at, to: Math.max(within.to, at + 1), isFolded: false });
  }
  const folded = pieces.filter((piece) => piece.isFolded).length;
  const open = pieces.filter((piece) => !piece.isFolded).reduce((sum, piece) => sum + piece.to - piece.from, 0);
  const room = Math.max(10, width - folded * FOLD);
  let x = 0;
  const placed = pieces.map((piece) => {
    const wide = piece.isFolded ? FOLD : open > 0 ? ((piece.to - piece.from) / open) * room : room;
    const one = { ...piece, x, width: wide };
    x += wide;
    return one;
  });
  return {
    pieces: placed,
    width: x,
    x(time) {
      const piece = placed.find((one) => time <= one.to) ?? placed.at(-1);
      if (!piece) return 0;
      const part = (time - piece.from) / Math.max(1, piece.to - piece.from);
      return piece.x + Math.min(1, Math.max(0, part)) * piece.width;
    },
    at(place) {
      const piece = placed.find((one) => place <= one.x + one.width) ?? placed.at(-1);
      if (!piece) return within.from;
      return piece.from + (Math.max(0, place - piece.x) / Math.max(1, piece.width)) * (piece.to - piece.from);
    },
  };
}

/** Times worth naming in a stretch: round ones, about so many. */
export function ticks(from: number, to: number, most: number): number[] {
  const steps = [
    100, 200, 500, 1e3, 2e3, 5e3, 1e4, 15e3, 3e4, 6e4, 12e4, 3e5, 6e5, 9e5, 18e5, 36e5, 72e5, 144e5, 216e5, 432e5, 864e5,
  ];
  const step = steps.find((one) => (to - from) / one <= most) ?? 864e5 * Math.ceil((to - from) / (864e5 * most));
  const found: number[] = [];
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) found.push(at);
  return found;
}
