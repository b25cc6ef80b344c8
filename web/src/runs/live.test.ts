import { describe, expect, it } from "vitest";
import type { Board } from "../api/types";
import { LiveBoard } from "./live";
import { read, Splitter } from "./lines";

function board(): Board {
  const run = { id: "r", status: "running", submittedAt: "2026-11-30T00:00:00.000Z", startedAt: "2026-11-30T00:00:00.000Z" };
  const block = { address: "patch", name: "patch", names: ["web/01", "web02"], states: "..", begans: [-1, -1], endeds: [-1, -1], labels: {} };
  return { run, seq: 3, blocks: [block], checks: [], deferred: [], notes: [], failures: [], asked: [], held: [] } as unknown as Board;
}

const event = (seq: number, kind: string, address: string, more: object = {}) => ({ seq, kind, address, at: "2026-11-30T00:00:01.000Z", ...more });

describe("a board that goes on", () => {
  it("takes each event once and in its place", () => {
    const live = new LiveBoard(board());
    expect(live.apply(event(3, "began", "patch/web02"))).toBe(false);
    expect(live.tally()).toEqual({ ".": 2 });
    live.apply(event(4, "began", "patch/web02"));
    live.apply(event(5, "began", "patch/web/01"));
    expect(live.letters[0]).toEqual(["r", "r"]);
    expect(live.board.blocks[0]?.begans).toEqual([1000, 1000]);
    live.apply(event(6, "lockAwaited", "patch/web02"));
    live.apply(event(7, "asked", "patch/web/01/restart"));
    expect(live.letters[0]).toEqual(["?", "w"]);
    live.apply(event(8, "attemptBegan", "patch/web02/restart", { n: 1 }));
    live.apply(event(9, "ended", "patch/web02/restart", { status: "succeeded", changed: true }));
    live.apply(event(10, "ended", "patch/web02", { status: "succeeded", changed: true }));
    expect(live.letters[0]).toEqual(["?", "c"]);
    expect(live.apply(event(11, "finished", "", { status: "failed" }))).toBe(true);
    expect(live.board.run.status).toBe("failed");
  });

  it("knows when a target was touched last", () => {
    const live = new LiveBoard(board());
    expect(live.touchedIn("patch/web02")).toBe(0);
    live.apply(event(4, "began", "patch/web02"));
    live.apply(event(5, "attemptBegan", "patch/web/01/restart"));
    live.apply(event(6, "roundBegan", "patch/checks.pre"));
    expect([live.touchedIn("patch/web02"), live.touchedIn("patch/web/01/restart"), live.touchedIn("patch/checks.pre")]).toEqual([4, 5, 6]);
  });

  it("is not set back by an older drawing, whose other parts count", () => {
    const live = new LiveBoard(board());
    live.apply(event(4, "began", "patch/web02"));
    live.take({ ...board(), failed: 7 });
    expect(live.letters[0]).toEqual([".", "r"]);
    expect(live.board.blocks[0]?.begans).toEqual([-1, 1000]);
    expect(live.board.failed).toBe(7);
    live.apply(event(5, "finished", "", { status: "stopped" }));
    live.take({ ...board(), seq: 4 });
    expect(live.board.run.status).toBe("stopped");
    live.take({ ...board(), seq: 9 });
    expect(live.letters[0]).toEqual([".", "."]);
  });
});

describe("lines of a log", () => {
  it("are read with everything in them", () => {
    expect(read("120\t2026-11-20T14:53:14.711Z info out patch/web01/restart#1 @web01 ~-12 | a | b")).toEqual({
      offset: 120, at: "2026-11-20T14:53:14.711Z", level: "info", source: "out", address: "patch/web01/restart", attempt: 1, node: "web01", text: "a | b",
    });
    expect(read("2026-11-20T14:53:14.711Z warn event - | <script>alert(1)</script>")).toMatchObject({ offset: -1, address: "-", text: "<script>alert(1)</script>" });
    expect(read("no line of a log").text).toBe("no line of a log");
  });

  it("are put together over the cuts of a stream, letters of several bytes too", () => {
    const bytes = new TextEncoder().encode("a ü\nb\nrest");
    for (let cut = 0; cut < bytes.length; cut += 1) {
      const splitter = new Splitter();
      expect([...splitter.take(bytes.slice(0, cut)), ...splitter.take(bytes.slice(cut))]).toEqual(["a ü", "b"]);
    }
  });
});
