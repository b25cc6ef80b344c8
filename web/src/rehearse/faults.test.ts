import { expect, it } from "vitest";
import { type Fault, read, script, write } from "./faults";

it("faults are written as they are read", () => {
  const all = ["patch/*/install=permanent", "patch/web03/*@1=hang", "patch/*/drain%10=fail", "checks.continuous/*+5m..6m=fail", "a/b/c@2..3%50+1s..2s=slow:90s"];
  for (const text of all) expect(write(read(text) as Fault)).toBe(text);
  for (const wrong of ["", "=fail", "a=explode", "a"]) expect(read(wrong)).toBeNull();
});

it("a test has everything that was rehearsed, and quotes what a shell would take", () => {
  const text = script({ plan: "patch", faults: ["a/b's/*=fail"], params: { release: "1.4 beta" }, stepSet: "default", targets: "50", seed: "7", status: "failed", blocks: [{ name: "patch", failed: 3, peak: 5 }] });
  expect(text).toContain("--fault 'a/b'\\''s/*=fail'");
  expect(text).toContain("-p 'release=1.4 beta'");
  expect(text).toContain(`jq -e '.limits[0].failed <= 3'`);
});
