import { describe, expect, it } from "vitest";
import { difference } from "../plans/difference";
import { read, sum } from "../status/metrics";
import { fits } from "../app/Palette";
import { ago, length, since } from "./time";
import { yaml } from "./yaml";

describe("texts", () => {
  it("times are short", () => {
    expect([0, 850, 3_210, 75_000, 3_600_000, 7_500_000, 90_000_000].map(length)).toEqual(["0 ms", "850 ms", "3.2 s", "1 min 15 s", "1 h", "2 h 5 min", "1 d 1 h"]);
    expect([ago(0, 1_000), ago(0, 65_000), ago(10_000, 0)]).toEqual(["now", "1 min ago", "in 10 s"]);
    expect([since(3_200), since(65_000), since(3_727_000)]).toEqual(["0:03.2", "1:05", "1:02:07"]);
  });

  it("YAML quotes what could be anything else", () => {
    expect(yaml({ a: "yes", b: "1", c: "plain text", d: [1, { e: "x: y" }], f: {}, g: "one\ntwo\n" }).trimStart()).toBe(
      'a: "yes"\nb: "1"\nc: plain text\nd:\n  - 1\n  - e: "x: y"\nf: {}\ng: |\n  one\n  two\n',
    );
  });

  it("a difference shows what has changed with a little around", () => {
    const before = Array.from({ length: 20 }, (_, at) => `line ${at}`);
    const after = before.map((line) => (line === "line 10" ? "other" : line));
    const lines = difference(before.join("\n"), after.join("\n"));
    expect(lines.filter((line) => line.sign !== " ")).toEqual([{ sign: "-", text: "line 10" }, { sign: "+", text: "other" }]);
    expect(lines.length).toBeLessThan(12);
  });

  it("metrics are read with labels", () => {
    const samples = read('# HELP x\nx{a="1",b="c\\"d"} 2\nx{a="2"} 3.5\ny 1e3\n');
    expect([sum(samples, "x"), sum(samples, "x", { a: "1" }), sum(samples, "y")]).toEqual([5.5, 2, 1000]);
    expect(samples[0]?.labels["b"]).toBe('c"d');
  });

  it("what is typed is found", () => {
    expect(fits("rolling-patch", "patch")).toBeGreaterThan(fits("rolling-patch", "rlgp"));
    expect(fits("rolling-patch", "xyz")).toBe(0);
  });
});
