// What every test asks of a page.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

/** Whether everybody can use what is shown, and the browser has nothing to complain about. */
export async function isFine({ page, complaints }, what) {
  await page.evaluate(axe);
  const found = await page.evaluate((rules) => globalThis.axe.run(document, { runOnly: rules }), RULES);
  const said = found.violations.map(
    (one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => `${node.html} ${node.failureSummary}`).join(" | ")}`,
  );
  assert.deepEqual(said, [], `${what} can be used by everybody`);
  assert.deepEqual(complaints, [], `${what}: the browser has nothing to complain about`);
}

/** How a run stands, as its page says. */
export const stands = (page, word) => page.getByRole("heading", { level: 1 }).getByText(word);

export const everywhere = { nodes: ["*"] };

/** A plan that takes its time on each node. */
export const slow = (seconds, more = {}) => ({
  blocks: [
    {
      name: "work", targets: everywhere, concurrency: 2, failures: 3,
      sequence: [{ name: "wait", use: "shell", with: { script: `echo at work; sleep ${seconds}` }, ...more }],
    },
  ],
});
