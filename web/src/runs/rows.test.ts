import { describe, expect, it } from "vitest";
import type { Board, Element } from "../api/types";
import { rows } from "./rows";

const block = {
  address: "patch", name: "patch", state: "running", began: 1_000, batches: [], waits: [], checks: [],
  retries: [{ actions: 3, began: 2_000, ended: 4_000 }, { actions: 1, began: 6_000 }],
};
const board = { checks: [], deferred: [], blocks: [block, { ...block, address: "patch2", name: "patch2", began: null, retries: [] }] } as unknown as Board;
const target = [
  { address: "patch/web/01", began: 1_500, state: "running" },
  {
    address: "patch/web/01/fetch", attempts: [{ n: 1, began: 1_500, ended: 2_000, error: { message: "no route" } }, { n: 2, began: 3_000, ended: 3_500, changed: true }],
  },
  { address: "patch/web/01/restart", attempts: [{ n: 1, began: 3_500 }] },
  { address: "patch/web/01/never" },
] as unknown as Element[];
const drawn = (more?: Element[]) =>
  rows(board, 9_000, more).map((row) => `${"  ".repeat(row.depth)}${row.label}: ${row.segments.map(({ from, to, state, title }) => `${from}-${to} ${state} (${title})`).join(", ")}`);

describe("the rows of a timeline", () => {
  it("show when actions were tried again", () => {
    expect(drawn()).toEqual([
      "patch: 1000-9000 running (patch)",
      "  retries: 2000-4000 retrying (3 actions), 6000-9000 retrying (1 action)",
      "patch2: ",
    ]);
  });

  it("show the attempts of a target under its block", () => {
    expect(drawn(target)).toEqual([
      ...drawn().slice(0, 2),
      "  web/01: 1500-9000 running (patch/web/01)",
      "    fetch ×2: 1500-2000 failed (patch/web/01/fetch attempt 1: no route), 3000-3500 changed (patch/web/01/fetch attempt 2)",
      "    restart: 3500-9000 running (patch/web/01/restart attempt 1)",
      "patch2: ",
    ]);
  });
});
