/** Targets in groups: by a label, by how they stand, or all together. */
import type { BoardBlock } from "../api/types";
import { stateOf } from "../lib/words";

export interface Group {
  name: string;
  /** Positions of targets in their block. */
  of: number[];
}

/** The worst first, so that what needs somebody is seen first. */
const ORDER = ["f", "?", "w", "x", "r", ".", "c", "s", "k"];

export function groups(block: BoardBlock, letters: readonly string[], by: string): Group[] {
  const all = letters.map((_, index) => index);
  if (by === "") return [{ name: "", of: all }];
  const found = new Map<string, number[]>();
  const add = (name: string, index: number) => {
    const there = found.get(name);
    if (there) there.push(index);
    else found.set(name, [index]);
  };
  if (by === "state") {
    for (const index of all) add(letters[index] ?? ".", index);
    return ORDER.filter((letter) => found.has(letter)).map((letter) => ({
      name: stateOf(letter),
      of: found.get(letter) ?? [],
    }));
  }
  const label = block.labels[by];
  for (const index of all) {
    const value = label?.of[index] ?? -1;
    add(value < 0 ? "(none)" : (label?.values[value] ?? "(none)"), index);
  }
  return [...found]
    .map(([name, of]) => ({ name, of }))
    .sort((one, other) => one.name.localeCompare(other.name, "en", { numeric: true }));
}

export interface Cell {
  index: number;
  x: number;
  y: number;
}

export interface Laid {
  size: number;
  cells: Cell[];
  titles: { name: string; count: number; y: number }[];
  height: number;
}

/** Where each cell is drawn: smaller cells for more targets, so that thousands fit. */
export function lay(all: readonly Group[], width: number): Laid {
  const total = all.reduce((sum, group) => sum + group.of.length, 0);
  const size = total > 4000 ? 7 : total > 1200 ? 10 : total > 300 ? 14 : 20;
  const each = size + (size > 8 ? 2 : 1);
  const perRow = Math.max(1, Math.floor(width / each));
  const cells: Cell[] = [];
  const titles: Laid["titles"] = [];
  let y = 2;
  for (const group of all) {
    if (group.name !== "") {
      titles.push({ name: group.name, count: group.of.length, y: y + 12 });
      y += 18;
    }
    group.of.forEach((index, at) => {
      cells.push({ index, x: (at % perRow) * each, y: y + Math.floor(at / perRow) * each });
    });
    y += Math.ceil(group.of.length / perRow) * each + (group.name === "" ? 0 : 6);
  }
  return { size, cells, titles, height: Math.max(24, y + 2) };
}

/** The cell beside one, as arrow keys go: in its row, or in the row above or below at the same place. */
export function beside(laid: Laid, index: number, key: string): number {
  const at = laid.cells.findIndex((cell) => cell.index === index);
  const own = laid.cells[at];
  if (!own) return laid.cells[0]?.index ?? 0;
  const last = laid.cells.length - 1;
  const flat = { ArrowRight: Math.min(last, at + 1), ArrowLeft: Math.max(0, at - 1), Home: 0, End: last }[key];
  if (flat !== undefined) return laid.cells[flat]?.index ?? index;
  const step = key === "ArrowDown" ? 1 : -1;
  let row: number | undefined;
  let found = own;
  for (let to = at + step; to >= 0 && to <= last; to += step) {
    const cell = laid.cells[to];
    if (!cell || cell.y === own.y) continue;
    row ??= cell.y;
    if (cell.y !== row) break;
    if (found === own || Math.abs(cell.x - own.x) < Math.abs(found.x - own.x)) found = cell;
  }
  return found.index;
}
