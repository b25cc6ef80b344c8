import { describe, expect, it } from "vitest";
import { beside, lay } from "./groups";

describe("cells", () => {
  // Cells of 20 with 2 between them: five a row.
  const laid = lay([{ name: "", of: [0, 1, 2, 3, 4, 5, 6] }], 110);
  const grouped = lay([{ name: "a", of: [3, 1, 5] }, { name: "b", of: [0, 2] }], 110);

  it("are gone over by rows", () => {
    expect(["ArrowRight", "ArrowLeft", "ArrowDown", "ArrowUp", "Home", "End"].map((key) => beside(laid, 1, key))).toEqual([2, 0, 6, 1, 0, 6]);
    expect(beside(laid, 4, "ArrowDown")).toBe(6);
    expect(beside(laid, 6, "ArrowUp")).toBe(1);
    expect(beside(laid, 6, "ArrowRight")).toBe(6);
  });

  it("are gone over by groups where they stand in some", () => {
    expect(beside(grouped, 3, "ArrowRight")).toBe(1);
    expect(beside(grouped, 5, "ArrowDown")).toBe(2);
    expect(beside(grouped, 2, "ArrowUp")).toBe(1);
    expect(beside(grouped, 99, "ArrowUp")).toBe(3);
  });
});
