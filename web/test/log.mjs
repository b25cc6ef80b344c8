// A log that is far larger than a page may hold: how it is made, and how it is looked at.
import { readFileSync, statSync } from "node:fs";
import { until } from "./place.mjs";

const LINE = 100;

/** A run of one node that prints so many megabytes, with one error in the middle and one word near the beginning. */
export async function printed(place, megabytes) {
  const lines = Math.floor((megabytes * 1_000_000) / LINE);
  const [needle, error] = [Math.floor(lines / 10), Math.floor(lines / 2)];
  const filler = "with words enough to be as long as lines of programs are";
  const script = `awk 'BEGIN { for (i = 1; i <= ${lines}; i++) { if (i == ${needle}) print "here is the needle"; if (i == ${error}) print "OUT OF PAPER"; print "line " i " ${filler}" } }'`;
  const [node] = (await place.ask("GET", "nodes?limit=1000")).items.filter((one) => one.metadata.labels?.bench === undefined);
  const action = { name: "print", use: "shell", with: { script, output: { error: ["OUT OF PAPER"] } }, timeout: "30m" };
  await place.plan("large-log", { blocks: [{ name: "b", targets: { nodes: [node.metadata.name] }, sequence: [action] }] });
  const run = await place.run("large-log");
  const begun = Date.now();
  await until("it has printed all", async () => (await place.ask("GET", `namespaces/default/runs/${run}`)).endedAt, 1_200_000);
  return { run, lines, took: Date.now() - begun };
}

/** What the server holds in memory, in MiB. */
export function resident(place) {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${place.process.pid}/status`, "utf8"))?.[1]) / 1024;
}

/** Looks at it as somebody does who searches for what went wrong; says how long each look took, and what it cost. */
export async function looked({ page, context, go }, { run, lines }) {
  const cdp = await context.newCDPSession(page);
  await cdp.send("Performance.enable");
  const took = {};
  const timed = async (name, what) => {
    const begun = performance.now();
    await what();
    took[name] = performance.now() - begun;
  };
  const log = page.getByRole("log");
  // A log of gigabytes that nobody has read for a while is read from the disk.
  const patient = { timeout: 120_000 };
  await timed("last lines", async () => {
    await go(`/n/default/runs/${run}?view=log`);
    await log.getByText(`line ${lines} `).waitFor(patient);
  });
  await timed("first lines", async () => {
    await page.getByRole("button", { name: "Beginning" }).click();
    await log.getByText("line 1 ", { exact: false }).first().waitFor(patient);
  });
  await timed("first error", async () => {
    await page.getByRole("button", { name: "First error" }).click();
    await log.getByText("OUT OF PAPER").first().waitFor(patient);
  });
  await timed("what was before", async () => {
    await page.getByRole("button", { name: "Back to the end" }).click();
    await log.getByText(`line ${lines} `).waitFor(patient);
    const before = await page.getByText(/lines? · /).innerText();
    await page.getByRole("button", { name: /Show what was before/ }).click();
    await until("there are more", async () => (await page.getByText(/lines? · /).innerText()) !== before);
  });
  await timed("a rare text", async () => {
    await page.getByLabel("Only lines with").fill("The Needle");
    await log.getByText("here is the needle").waitFor(patient);
    await page.getByText("1 line · ").waitFor(patient);
  });
  await page.getByLabel("Only lines with").fill("");
  await log.getByText(`line ${lines} `).waitFor(patient);
  const link = page.getByRole("link", { name: "Download" });
  let size = 0;
  await timed("download", async () => {
    const [download] = await Promise.all([page.waitForEvent("download", patient), link.click()]);
    size = statSync(await download.path()).size;
    await download.delete();
  });
  for (let round = 0; round < 3; round += 1) await cdp.send("HeapProfiler.collectGarbage");
  const { metrics } = await cdp.send("Performance.getMetrics");
  const value = (name) => metrics.find((metric) => metric.name === name)?.value ?? 0;
  return { took, size, heap: value("JSHeapUsedSize") / 2 ** 20, nodes: value("Nodes") };
}
