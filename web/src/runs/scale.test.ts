import { describe, expect, it } from "vitest";
import { busy, FOLD, scale, ticks } from "./scale";

describe("a scale of time", () => {
  it("merges what overlaps", () => {
    expect(busy([{ from: 5, to: 9 }, { from: 0, to: 3 }, { from: 2, to: 6 }, { from: 20, to: 30 }], { from: 0, to: 25 })).toEqual([
      { from: 0, to: 9 },
      { from: 20, to: 25 },
    ]);
  });

  it("folds what is idle and nothing else", () => {
    const line = scale([{ from: 0, to: 10 }, { from: 1000, to: 1010 }], { from: 0, to: 1010 }, 500);
    expect(line.pieces.map((piece) => piece.isFolded)).toEqual([false, true, false]);
    expect(line.pieces[1]?.width).toBe(FOLD);
    expect(line.width).toBeCloseTo(500);
    const open = scale([{ from: 0, to: 10 }, { from: 1000, to: 1010 }], { from: 0, to: 1010 }, 500, 0.08, false);
    expect(open.pieces).toHaveLength(1);
  });

  it("goes there and back, and never back in time", () => {
    for (let seed = 1; seed < 200; seed += 1) {
      let dice = seed * 7919;
      const next = (most: number) => {
        dice = (dice * 1103515245 + 12345) % 2147483648;
        return dice % most;
      };
      const spans = Array.from({ length: 1 + next(8) }, () => {
        const from = next(10_000);
        return { from, to: from + next(500) };
      });
      const within = { from: 0, to: 10_500 };
      const line = scale(spans, within, 400 + next(800));
      let last = -1;
      for (let at = 0; at <= 10_500; at += 50) {
        const x = line.x(at);
        expect(x).toBeGreaterThanOrEqual(last);
        last = x;
        expect(Math.abs(line.at(x) - at)).toBeLessThan(2);
      }
      expect(line.pieces.reduce((sum, piece) => sum + piece.to - piece.from, 0)).toBe(10_500);
    }
  });

  it("names round times", () => {
    expect(ticks(0, 60_000, 6)).toEqual([0, 10_000, 20_000, 30_000, 40_000, 50_000, 60_000]);
    expect(ticks(0, 10 * 86_400_000, 5).length).toBeLessThanOrEqual(6);
  });
});
