export interface Change {
  sign: " " | "+" | "-";
  text: string;
}

/** How many unchanged lines are shown around what has changed. */
const AROUND = 3;

/** What two texts differ in, line by line, with a little of what is around. */
export function difference(before: string, after: string): Change[] {
  const [one, other] = [before.split("\n"), after.split("\n")];
  const all = lines(one, other);
  const near = all.map((_, at) => all.slice(Math.max(0, at - AROUND), at + AROUND + 1).some((line) => line.sign !== " "));
  const shown: Change[] = [];
  all.forEach((line, at) => {
    if (near[at]) shown.push(line);
    else if (near[at - 1]) shown.push({ sign: " ", text: "⋯" });
  });
  return shown.length > 0 ? shown : all;
}

/** By the longest common subsequence. Plans have hundreds of lines, not millions. */
function lines(one: string[], other: string[]): Change[] {
  const [rows, columns] = [one.length, other.length];
  const table = Array.from({ length: rows + 1 }, () => new Uint32Array(columns + 1));
  const at = (row: number, column: number) => table[row]?.[column] ?? 0;
  for (let row = rows - 1; row >= 0; row -= 1) {
    const line = table[row];
    if (!line) continue;
    for (let column = columns - 1; column >= 0; column -= 1) {
      line[column] = one[row] === other[column] ? at(row + 1, column + 1) + 1 : Math.max(at(row + 1, column), at(row, column + 1));
    }
  }
  const found: Change[] = [];
  let [row, column] = [0, 0];
  while (row < rows || column < columns) {
    if (row < rows && column < columns && one[row] === other[column]) {
      found.push({ sign: " ", text: one[row] ?? "" });
      row += 1;
      column += 1;
    } else if (row < rows && (column >= columns || at(row + 1, column) >= at(row, column + 1))) {
      found.push({ sign: "-", text: one[row] ?? "" });
      row += 1;
    } else {
      found.push({ sign: "+", text: other[column] ?? "" });
      column += 1;
    }
  }
  return found;
}
