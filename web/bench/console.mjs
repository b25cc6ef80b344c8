// `cargo xtask bench console`: what the console costs whoever looks, each figure beside its goal. A real server, a real Chromium.
import { cpus, loadavg } from "node:os";
import { Figures, median, quantile } from "./figures.mjs";
import { Ground, noted } from "./ground.mjs";
import { gigabyte } from "./log.mjs";

const PARTS = ["load", "delay", "frames", "memory", "log"];
const wanted = { targets: 10_000, rate: 1_000, minutes: 3, megabytes: 1_024, rounds: 7, parts: [] };
const args = process.argv.slice(2);
while (args.length > 0) {
  const word = args.shift();
  const key = word.replace(/^--/, "");
  if (PARTS.includes(word)) wanted.parts.push(word);
  else if (word.startsWith("--") && typeof wanted[key] === "number") wanted[key] = Number(args.shift());
  else throw new Error(`\`${word}\` is not understood: parts are ${PARTS.join(", ")}, options --targets, --rate, --minutes, --megabytes, --rounds`);
}
const has = (part) => wanted.parts.length === 0 || wanted.parts.includes(part);
const seconds = (count) => new Promise((done) => setTimeout(done, count * 1000));

/** What a first visit loads, and how long until there is something to read. */
async function load(ground, figures, run) {
  figures.title("first load, from loopback, with nothing kept");
  const pages = [
    ["the list of runs", "/n/~/runs", "table.list tbody tr"],
    [`a run on ${ground.targets} targets`, `/n/default/runs/${run}`, "canvas[role=img]"],
  ];
  for (const [name, path, isUseful] of pages) {
    const times = [];
    let bytes = 0;
    for (let round = 0; round < wanted.rounds; round += 1) {
      const ann = await ground.person();
      await ann.page.evaluate((what) => sessionStorage.setItem("wanted", what), isUseful);
      await ann.cdp.send("Network.enable");
      await ann.cdp.send("Network.setCacheDisabled", { cacheDisabled: true });
      const own = new Map();
      let sum = 0;
      ann.cdp.on("Network.requestWillBeSent", ({ requestId, request }) => own.set(requestId, new URL(request.url).pathname));
      ann.cdp.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
        if (own.get(requestId)?.startsWith("/ui/")) sum += encodedDataLength;
      });
      await ann.go(path);
      await ann.page.waitForFunction(() => globalThis.seen.useful > 0, undefined, { polling: 50 });
      await ann.page.waitForTimeout(300);
      times.push(await ann.page.evaluate(() => globalThis.seen.useful));
      bytes = sum;
      await ann.context.close();
    }
    figures.say(`${name}: compressed, with headers`, bytes / 1024, "KiB", 250);
    figures.say(`${name}: useful after, median of ${times.length}`, median(times), "ms", 1_000);
    figures.say(`${name}: useful after, the longest`, Math.max(...times), "ms");
  }
}

/** From an event in the record to the picture that shows it. */
async function delay(ground, figures) {
  for (const [name, rate] of [["a run with little to tell", 40], [`a run with ${wanted.rate} events a second`, wanted.rate]]) {
    figures.title(`from an event to the screen, ${name}`);
    const run = await ground.busy(`delay${rate}`, rate, 60);
    const heard = new Map();
    const ear = listen(ground.place, run, heard);
    const ann = await ground.person();
    await ann.go(`/n/default/runs/${run}`);
    await ann.page.locator("canvas").first().waitFor();
    await seconds(3);
    const before = await ground.seq(run);
    const { painted } = await noted({ page: ann.page, browser: ground.browser }, () => seconds(15));
    const after = await ground.seq(run);
    ear.abort();
    const [whole, own] = [[], []];
    for (let at = 0; at < painted.length; at += 3) {
      const [seq, stamped, shown] = [painted[at], painted[at + 1], painted[at + 2]];
      whole.push(shown - stamped);
      if (heard.has(seq)) own.push(shown - heard.get(seq));
    }
    figures.say("events a second", (after - before) / 15, "/s");
    figures.say(`from the time in its record, before it is durable, p50 of ${whole.length}`, median(whole), "ms");
    figures.say("from the time in its record, p99", quantile(whole, 0.99), "ms");
    figures.say(`from when another client had it, p50 of ${own.length}`, median(own), "ms", 100);
    figures.say("from when another client had it, p99", quantile(own, 0.99), "ms", 100);
    await ground.kill(run);
    await ann.context.close();
  }
}

/** Notes when each event of a run comes to somebody who does nothing else: it is durable by then. */
function listen(place, run, heard) {
  const abort = new AbortController();
  const go = async () => {
    const url = `${place.url}/api/v1/namespaces/default/runs/${run}/events?from=1`;
    const answer = await fetch(url, { headers: { authorization: `Bearer ${place.token}`, accept: "text/event-stream" }, signal: abort.signal });
    let rest = "";
    const decoder = new TextDecoder();
    for await (const bytes of answer.body) {
      const now = Date.now();
      const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
      rest = lines.pop();
      for (const line of lines) if (line.startsWith("id:")) heard.set(Number(line.slice(3)), now);
    }
  };
  go().catch(() => {});
  return abort;
}

/** How long pictures are on the screen while thousands of targets change, and while somebody scrolls. */
async function frames(ground, figures) {
  const run = await ground.busy("frames", wanted.rate, 240);
  const ann = await ground.person();
  const { page, cdp } = ann;
  const scroll = async (selector) => {
    const box = await page.locator(selector).first().boundingBox();
    const [x, y] = [Math.floor(box.x + box.width / 2), Math.floor(box.y + Math.min(box.height / 2, 200))];
    for (const yDistance of [-6_000, 4_000, -6_000, 6_000]) {
      await cdp.send("Input.synthesizeScrollGesture", { x, y, yDistance, speed: 2_500, gestureSourceType: "mouse" });
    }
  };
  const measured = async (name, during) => {
    const before = await ground.seq(run);
    const begun = Date.now();
    const { frames, dropped } = await noted({ page, browser: ground.browser }, during);
    const rate = ((await ground.seq(run)) - before) / ((Date.now() - begun) / 1000);
    figures.title(`${name}, ${ground.targets} targets, ${Math.round(rate)} events a second`);
    figures.frames(name, frames, dropped);
  };
  await ann.go(`/n/default/runs/${run}`);
  await page.locator("canvas").first().waitFor();
  await seconds(3);
  await measured("the strip", () => seconds(20));
  await page.getByLabel("Group by").first().selectOption("rack");
  await measured("the strip by rack", () => seconds(8));
  await page.getByLabel("Group by").first().selectOption("state");
  await measured("the strip by state", () => seconds(8));
  await page.getByRole("button", { name: "As a list" }).click();
  await measured("scrolling the list of targets", () => scroll("[role=list]"));
  await page.getByRole("tab", { name: "Events" }).click();
  await measured("the feed of events", () => seconds(8));
  await page.getByRole("tab", { name: "Log" }).click();
  await page.getByLabel("Level").selectOption("debug");
  await page.getByRole("log").getByText("t0").first().waitFor();
  await measured("scrolling the log", () => scroll("[role=log]"));
  await ann.go("/nodes");
  await page.locator("table.list tbody tr").first().waitFor();
  await measured("scrolling the nodes", () => scroll("main"));
  await ground.kill(run);
  await ann.context.close();
}

/** Whether a tab that is left open grows. */
async function memory(ground, figures) {
  const all = wanted.minutes * 60;
  const run = await ground.busy("memory", wanted.rate, all + 120);
  const ann = await ground.person();
  const { page, cdp } = ann;
  await cdp.send("Performance.enable");
  await ann.go(`/n/default/runs/${run}`);
  await page.locator("canvas").first().waitFor();
  const look = async () => {
    // What is kept by what is about to go needs more than one round.
    for (let round = 0; round < 3; round += 1) await cdp.send("HeapProfiler.collectGarbage");
    const { metrics } = await cdp.send("Performance.getMetrics");
    const value = (name) => metrics.find((metric) => metric.name === name)?.value ?? 0;
    return { heap: value("JSHeapUsedSize") / 2 ** 20, nodes: value("Nodes"), listeners: value("JSEventListeners") };
  };
  const warm = Math.min(60, all / 3);
  await seconds(warm);
  const before = await ground.seq(run);
  const begun = Date.now();
  const seen = [await look()];
  while (Date.now() - begun < (all - warm) * 1000) {
    await seconds(Math.max(5, all / 40));
    seen.push(await look());
  }
  const lasted = (Date.now() - begun) / 1000;
  figures.title(`memory over ${(lasted / 60).toFixed(1)} minutes, ${Math.round(((await ground.seq(run)) - before) / lasted)} events a second`);
  const third = Math.max(1, Math.floor(seen.length / 3));
  for (const [key, unit, goal] of [["heap", "MiB", 2], ["nodes", "nodes", 100], ["listeners", "", 20]]) {
    const all = seen.map((one) => one[key]);
    const [first, last] = [median(all.slice(0, third)), median(all.slice(-third))];
    figures.say(`${key} after collecting, first third`, first, unit);
    figures.say(`${key} after collecting, last third`, last, unit);
    figures.say(`${key}, what it grew`, Math.max(0, last - first), unit, goal);
  }
  await ground.kill(run);
  await ann.context.close();
}

const figures = new Figures();
const ground = await Ground.of(["load", "delay", "frames", "memory"].some(has) ? wanted.targets : 0);
console.log(`${cpus().length} processors (${cpus()[0]?.model.trim()}), load ${loadavg()[0].toFixed(1)}, Chromium ${ground.browser.version()}`);
try {
  if (has("load")) {
    const run = await ground.busy("load", 200, 60);
    await load(ground, figures, run);
    await ground.kill(run);
  }
  if (has("delay")) await delay(ground, figures);
  if (has("frames")) await frames(ground, figures);
  if (has("memory")) await memory(ground, figures);
  if (has("log")) await gigabyte(ground, figures, wanted.megabytes);
} finally {
  await ground.end();
}
console.log(figures.missed === 0 ? "\nevery goal was met" : `\n${figures.missed} goals were missed`);
