// A log that is far larger than a page may hold: how it is made, and how it is looked at.
import { readFileSync, statSync } from "node:fs";
import { until } from "./place.mjs";

/** How long a line is in the file. */
const LINE = 133;
/** Of one attempt no more than 64 MiB are kept: what is larger is printed by several actions. */
const MOST = 700_000;

/** A run of one node whose log has so many megabytes, with one error in the middle and one word near the beginning. */
export async function printed(place, megabytes) {
  const wanted = Math.floor((megabytes * 1_000_000) / LINE);
  const actions = Math.max(3, Math.ceil(wanted / MOST));
  const each = Math.floor(wanted / actions);
  const filler = "with words enough to be as long as lines of programs are";
  const sequence = Array.from({ length: actions }, (_, at) => {
    const needle = at === 0 ? `if (i == ${Math.floor(each / 2)}) print "here is the needle"; ` : "";
    const print = `awk 'BEGIN { for (i = ${at * each + 1}; i <= ${(at + 1) * each}; i++) { ${needle}print "line " i " ${filler}" } }'`;
    // The one in the middle fails once, by what it prints.
    const mark = "/tmp/windlass-log-{{ run.id }}";
    const script = at === Math.floor(actions / 2) ? `if [ -e ${mark} ]; then rm ${mark}; ${print}; else touch ${mark}; echo OUT OF PAPER; fi` : print;
    return { name: `print${at}`, use: "shell", with: { script, output: { error: ["OUT OF PAPER"] } }, retries: 1, timeout: "30m" };
  });
  const [agent] = (await place.ask("GET", "agents")).items;
  await place.plan("large-log", { blocks: [{ name: "b", targets: { nodes: [agent.node] }, sequence }] });
  const run = await place.run("large-log");
  const begun = Date.now();
  const over = await until("it has printed all", async () => {
    const view = await place.ask("GET", `namespaces/default/runs/${run}`);
    return view.endedAt && view;
  }, 1_200_000);
  if (over.status !== "succeeded") throw new Error(`it did not print all: ${JSON.stringify(over.reason)}`);
  return { run, lines: actions * each, took: Date.now() - begun };
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
