// A server with thousands of nodes that are not there: what runs on them only waits, so that a run costs nothing but its events.
import { readFileSync } from "node:fs";
import { browse, person, Place, until } from "../test/place.mjs";

const HOOKS = readFileSync(new URL("page.js", import.meta.url), "utf8");
/** Events of an action: begun, attempt begun, attempt ended, ended. */
const EACH = 4;

export class Ground {
  place = new Place();

  static async of(targets) {
    const ground = new Ground();
    ground.targets = targets;
    await ground.place.begin(["--nodes", "1", "--no-run"]);
    const begun = Date.now();
    const left = Array.from({ length: targets }, (_, at) => at);
    const put = async () => {
      for (let at = left.pop(); at !== undefined; at = left.pop()) {
        const name = `t${String(at).padStart(5, "0")}`;
        // Waits of different lengths: all at the same moment would be bursts, which no fleet is.
        const vars = { pause: `${700 + ((at * 7919) % 600)}ms` };
        const labels = { bench: "yes", rack: `r${at % 97}`, tier: ["web", "db", "cache"][at % 3] };
        await ground.place.ask("PATCH", `nodes/${name}`, { metadata: { labels }, spec: { vars } });
      }
    };
    await Promise.all(Array.from({ length: 32 }, put));
    console.log(`${targets} nodes made in ${((Date.now() - begun) / 1000).toFixed(1)} s`);
    ground.browser = await browse();
    return ground;
  }

  /** A run that makes so many events a second, for so long. */
  async busy(name, perSecond, seconds) {
    const concurrency = Math.max(1, Math.round(perSecond / EACH));
    const actions = Math.max(1, Math.ceil((seconds * concurrency) / this.targets));
    const sequence = Array.from({ length: actions }, (_, at) => ({ name: `wait${at}`, use: "sleep", with: { duration: "{{ vars.pause }}" } }));
    const block = { name: "work", targets: { labels: "bench=yes" }, concurrency, sequence };
    await this.place.plan(name, { blocks: [block] }, "waits, for measurements");
    const run = await this.place.run(name);
    await until("it goes on", async () => (await this.seq(run)) > perSecond / 2, 60_000);
    return run;
  }

  async seq(run) {
    return (await this.place.ask("GET", `namespaces/default/runs/${run}/board`)).seq;
  }

  async kill(run) {
    await this.place.ask("POST", `namespaces/default/runs/${run}/kill`, {});
  }

  /** A browser with what notes when anything was on its screen. */
  async person(options = {}) {
    const ann = await person(this.browser, this.place, this.place.token, { before: HOOKS, ...options });
    ann.cdp = await ann.context.newCDPSession(ann.page);
    return ann;
  }

  async end() {
    await this.browser?.close();
    await this.place.end();
  }
}

/** What a page noted while something went on. */
export async function noted({ page, browser }, during) {
  const pieces = ["devtools.timeline", "disabled-by-default-devtools.timeline.frame", "toplevel"];
  await browser.startTracing(page, { categories: pieces });
  await page.evaluate(() => Object.assign(globalThis.seen, { isOn: true, frames: [], painted: [] }));
  const value = await during();
  const { frames, painted } = await page.evaluate(() => {
    globalThis.seen.isOn = false;
    return { frames: globalThis.seen.frames, painted: globalThis.seen.painted };
  });
  const trace = JSON.parse((await browser.stopTracing()).toString());
  return { value, frames, painted, dropped: dropped(trace.traceEvents) };
}

/** How many pictures the compositor had to leave out, and the longest that the page's own thread was busy at a stretch. */
function dropped(events) {
  const drawn = events.filter((event) => event.name === "DrawFrame").length;
  const lost = events.filter((event) => event.name === "DroppedFrame").length;
  const main = events.find((event) => event.name === "thread_name" && event.args?.name === "CrRendererMain");
  const own = events.filter((event) => /RunTask/.test(event.name) && event.dur && event.tid === main?.tid && event.pid === main?.pid);
  return { all: drawn + lost, dropped: lost, longest: Math.max(0, ...own.map((event) => event.dur)) / 1000 };
}
