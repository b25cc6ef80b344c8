// What people do with the console, in a real browser, against a real server with a fleet.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { looked, printed, resident } from "./log.mjs";
import { everywhere, isFine, slow, stands } from "./look.mjs";
import { browse, person, Place, until } from "./place.mjs";

const NODES = ["--nodes", "4"];
const place = new Place();
let browser;
let bob;

before(async () => {
  await place.begin([...NODES, "--no-run"]);
  browser = await browse();
  bob = await place.user("bob", "admin", ["*"]);
});

after(async () => {
  await browser?.close();
  await place.end();
});

const own = (run) => `/n/default/runs/${run}`;
const shown = async (run) => place.ask("GET", `namespaces/default/runs/${run}`);
const is = (run, status) => until(`${run} is ${status}`, async () => (await shown(run)).status === status, 60_000);
const kill = (run) => place.ask("POST", `namespaces/default/runs/${run}/kill`, {});

/** Says a word to a run by its page, and why. */
async function say(page, word, why, expected) {
  await page.getByRole("button", { name: word, exact: true }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText(expected).waitFor();
  await dialog.getByLabel("Why").fill(why);
  await dialog.getByRole("button", { name: word, exact: true }).click();
  await dialog.waitFor({ state: "detached" });
}

test("several approvals are decided at once, with one reason, after a look at what each will do", async () => {
  const sequence = [{ name: "restart", use: "command", with: { argv: ["true"] } }];
  const asked = { approval: { quorum: 1 }, blocks: [{ name: "b", targets: everywhere, concurrency: 2, failures: 1, sequence }] };
  for (const name of ["one", "two", "three"]) await place.plan(name, asked);
  const runs = [];
  for (const name of ["one", "two", "three"]) runs.push(await place.run(name));
  const vic = await person(browser, place, await place.user("vic", "viewer"));
  await vic.go("/inbox");
  await vic.page.getByText("To be approved").waitFor();
  assert.equal(await vic.page.getByRole("checkbox", { name: /Choose run/ }).count(), 0, "who may not approve chooses nothing");
  await vic.context.close();
  const ann = await person(browser, place, bob);
  const { page } = ann;
  await ann.go("/inbox");
  await page.getByLabel(`Choose run ${runs[0]}`).check();
  await page.getByLabel(`Choose run ${runs[1]}`).check();
  await page.getByRole("button", { name: "Approve 2 …" }).click();
  const dialog = page.getByRole("dialog");
  const each = dialog.getByRole("list", { name: "What each will do" });
  await each.getByText(/restart \(command\), on 4 targets, 2 at once, until more than 1 fail/).nth(1).waitFor();
  await dialog.getByText(/on 8 targets in all/).waitFor();
  await dialog.getByLabel("Why").fill("both were looked at");
  await isFine(ann, "several approvals");
  await dialog.getByRole("button", { name: "Approve 2 runs" }).click();
  await dialog.waitFor({ state: "detached" });
  for (const run of runs.slice(0, 2)) await is(run, "succeeded");
  await page.getByLabel("Choose all that wait for you").check();
  await page.getByRole("button", { name: "Reject 1 …" }).click();
  await dialog.getByText(/never begins/).waitFor();
  await dialog.getByLabel("Why").fill("not this week");
  await dialog.getByRole("button", { name: "Reject 1 run" }).click();
  await is(runs[2], "stopped");
  await page.getByText("Nothing waits for anybody").waitFor();
  const said = JSON.stringify(await place.ask("GET", `namespaces/default/runs/${runs[2]}/board`));
  assert.ok(said.includes("not this week"), "the reason stands in the record");
  await ann.context.close();
});

test("what was approved by somebody else meanwhile is said, and the others are done", async () => {
  const runs = [await place.run("one"), await place.run("two")];
  const ann = await person(browser, place, bob);
  const { page } = ann;
  await ann.go("/inbox");
  await page.getByLabel("Choose all that wait for you").check();
  await page.getByRole("button", { name: "Approve 2 …" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText(/and it begins at once/).nth(1).waitFor();
  await place.ask("POST", `namespaces/default/runs/${runs[0]}/reject`, { why: "no" }, bob);
  await dialog.getByRole("button", { name: "Approve 2 runs" }).click();
  await dialog.getByRole("alert").waitFor();
  await dialog.getByText("Done.").waitFor();
  await dialog.getByRole("button", { name: "Close" }).click();
  await is(runs[1], "succeeded");
  await ann.context.close();
});

test("the page of a node says who has its lock, and who waits for it", async () => {
  await place.plan("first", slow(60));
  await place.plan("second", slow(1));
  const first = await place.run("first");
  const [target] = await until("it works", async () => {
    const board = await place.ask("GET", `namespaces/default/runs/${first}/board`);
    const names = board.blocks[0].names.filter((_, at) => board.blocks[0].states[at] === "r");
    return names.length === 2 && names;
  });
  const ann = await person(browser, place);
  const { page } = ann;
  await ann.go(`/nodes/${target}`);
  const lock = page.getByRole("region", { name: "Its lock" });
  await lock.getByRole("row").filter({ hasText: "has it" }).getByText("wait", { exact: true }).waitFor();
  const second = await place.run("second");
  await lock.getByRole("row").filter({ hasText: "is next" }).getByText("second").waitFor();
  await isFine(ann, "a node at work");
  await lock.getByRole("link", { name: `work/${target}` }).first().click();
  await page.getByRole("dialog").getByText("wait", { exact: true }).waitFor();
  await kill(first);
  await is(second, "succeeded");
  await ann.go(`/nodes/${target}`);
  await lock.getByText(/It is free/).waitFor();
  await ann.context.close();
});

test("a log far larger than a page may hold is opened, searched and taken away", async () => {
  const made = await printed(place, Number(process.env.WINDLASS_LOG_MB ?? 30));
  const ann = await person(browser, place, place.token, { acceptDownloads: true });
  const before = resident(place);
  const { took, size, heap, nodes } = await looked(ann, made);
  const grown = resident(place) - before;
  console.log(`a log of ${(size / 1e6).toFixed(0)} MB: ${Object.entries(took).map(([name, ms]) => `${name} ${ms.toFixed(0)} ms`).join(", ")}; the page holds ${heap.toFixed(1)} MiB and ${nodes} nodes, the server grew by ${grown.toFixed(0)} MiB`);
  assert.ok(size > made.lines * 60, "all of it is downloaded");
  assert.ok(heap < 60 && nodes < 6_000, "the page holds what is in sight");
  assert.ok(grown < 150, "the server reads it piece by piece");
  await isFine(ann, "a large log");
  await ann.context.close();
});

test("a run is paused, resumed, cancelled and retried, each with a reason", async () => {
  await place.plan("worked", slow(4));
  const run = await place.run("worked");
  const ann = await person(browser, place);
  const { page } = ann;
  await ann.go(own(run));
  await page.getByLabel("How targets stand").first().getByText("running").waitFor();
  await say(page, "Pause", "a look first", /2 wait until somebody resumes it/);
  await stands(page, "paused").waitFor();
  await say(page, "Resume", "it looks good", /2 targets are still to do/);
  await stands(page, "running").waitFor();
  await until("the others began", async () => (await place.ask("GET", `namespaces/default/runs/${run}/board`)).blocks[0].states.split("").sort().join("") === "ccrr");
  await say(page, "Cancel", "it is late", /is asked to end \(TERM\)/);
  await stands(page, "stopped").waitFor();
  await page.getByRole("button", { name: "Retry", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText(/2 targets that did not succeed are done again; 2 that succeeded are left alone/).waitFor();
  await dialog.getByLabel("What is done again").selectOption("scratch");
  await dialog.getByText(/All 4 targets are done again/).waitFor();
  await dialog.getByLabel("What is done again").selectOption("failure");
  await dialog.getByLabel("Why").fill("now there is time");
  await isFine(ann, "a retry");
  await dialog.getByRole("button", { name: "Retry", exact: true }).click();
  await page.waitForURL((url) => !url.pathname.includes(run));
  const retried = new URL(page.url()).pathname.split("/").at(-1);
  await stands(page, "succeeded").waitFor({ timeout: 30_000 });
  assert.ok(JSON.stringify(await place.ask("GET", "audit?limit=20")).includes("now there is time"));
  const notes = (await place.ask("GET", `namespaces/default/runs/${run}/board`)).notes.map((note) => note.why);
  assert.deepEqual(notes.filter(Boolean).sort(), ["a look first", "it is late", "it looks good"]);
  assert.ok(retried);
  await ann.context.close();
});

test("what a crash interrupted is settled by a person, with a reason", async () => {
  // On the machine of the server: an agent would know how it ended.
  const actions = [{ name: "touch", use: "shell", with: { script: "sleep 20" }, onInterrupt: "ask" }];
  await place.plan("touchy", { blocks: [{ name: "b", sequences: [{ name: "s", actions }] }] });
  const run = await place.run("touchy");
  await until("it works", async () => (await place.ask("GET", `namespaces/default/runs/${run}/board`)).blocks[0].states.includes("r"));
  const ann = await person(browser, place);
  const { page } = ann;
  await ann.go(own(run));
  await page.getByLabel("How targets stand").first().getByText("running").waitFor();
  await place.kill();
  await page.getByText(/The connection was lost at/).waitFor();
  await place.begin([...NODES, "--no-run"]);
  await page.getByText(/to be settled by a person/).waitFor({ timeout: 60_000 });
  await isFine(ann, "a run that asks");
  await ann.go("/inbox");
  await page.getByText(/of which nobody knows the end/).waitFor();
  await page.getByRole("link", { name: "Settle" }).first().click();
  await page.getByRole("button", { name: "It is done" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("It counts as succeeded").waitFor();
  await dialog.getByLabel("Why").fill("I have looked at the machine");
  await isFine(ann, "a question of how it ended");
  await dialog.getByRole("button", { name: "Settle it" }).click();
  await stands(page, "succeeded").waitFor();
  const notes = (await place.ask("GET", `namespaces/default/runs/${run}/board`)).notes.map((note) => note.why);
  assert.ok(notes.some((why) => why?.includes("I have looked at the machine")));
  await ann.context.close();
});

test("runs are filtered by everything, the filter is kept, and several are stopped and retried", async () => {
  await place.plan("many", slow(60));
  await place.ask("PATCH", "namespaces/default/plans/many-web", { metadata: { labels: { team: "web" } }, spec: slow(60) });
  const runs = [await place.run("many-web"), await place.run("many")];
  const ann = await person(browser, place);
  const { page } = ann;
  const rows = page.getByRole("table").getByRole("row");
  await ann.go("/n/~/runs?text=many");
  await rows.nth(2).waitFor();
  await page.getByLabel("Labels: team=web").fill("team=web");
  await page.waitForURL(/labels=team/);
  await until("one is left", async () => (await rows.count()) === 2);
  await page.getByRole("button", { name: "Save this filter" }).click();
  await page.getByLabel("What it is called").fill("ours");
  await isFine(ann, "a filter is saved");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByRole("button", { name: "Clear" }).click();
  await page.getByLabel("Saved filters").selectOption("ours");
  await page.waitForURL(/text=many&labels=team/);
  const [node] = (await place.ask("GET", "nodes")).items;
  await ann.go(`/n/~/runs?text=many&node=${node.metadata.name}`);
  await rows.nth(2).waitFor();
  await page.getByLabel("Node").fill("there-is-none-like-it");
  await page.getByText("No run is like that").waitFor();
  await ann.go("/n/~/runs?text=many");
  await page.getByLabel("Time").selectOption("between …");
  await page.getByLabel("Submitted before").fill("2001-01-01T00:00");
  await page.waitForURL(/until=200/);
  await page.getByText("No run is like that").waitFor();
  await isFine(ann, "runs between two times");
  await ann.go("/n/~/runs?text=many");
  await page.getByLabel("Choose all runs of this page").check();
  await page.getByRole("button", { name: "Stop 2" }).click();
  await page.getByLabel("Why").fill("both at once");
  await page.getByRole("dialog").getByRole("button", { name: "Stop", exact: true }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  for (const run of runs) await kill(run);
  for (const run of runs) await is(run, "stopped");
  const board = await place.ask("GET", `namespaces/default/runs/${runs[0]}/board`);
  assert.ok(board.notes.some((note) => note.why === "both at once"));
  for (const run of runs) await page.getByLabel(`Choose run ${run}`).check();
  await page.getByRole("button", { name: "Retry 2" }).click();
  await page.getByLabel("Why").fill("again");
  await page.getByRole("dialog").getByRole("button", { name: "Retry", exact: true }).click();
  await until("there are four", async () => (await place.ask("GET", "runs?text=many")).items.length === 4);
  for (const run of (await place.ask("GET", "runs?text=many&status=running")).items) await kill(run.id);
  await ann.context.close();
});

test("a page of older runs stays put while new ones arrive", async () => {
  const spec = { blocks: [{ name: "b", sequences: [{ name: "s", actions: [{ name: "a", use: "noop" }] }] }] };
  await place.plan("little", spec);
  for (let at = 0; at < 55; at += 1) await place.run("little");
  const ann = await person(browser, place);
  const { page } = ann;
  await ann.go("/n/default/runs?plan=little");
  await page.getByRole("button", { name: "Older" }).click();
  await page.waitForURL(/cursor=/);
  const ids = () => page.getByRole("table").locator("tbody .mono").allInnerTexts();
  await until("the rest is shown", async () => (await ids()).length === 5);
  const before = await ids();
  for (let at = 0; at < 5; at += 1) await place.run("little");
  await page.waitForTimeout(6_000);
  assert.deepEqual(await ids(), before);
  await page.getByRole("button", { name: "The newest" }).click();
  await until("the newest are shown", async () => (await ids()).length === 50);
  await ann.context.close();
});

test("a timeline is looked at closer with the keyboard", async () => {
  const ann = await person(browser, place);
  const { page } = ann;
  const [run] = (await place.ask("GET", "runs?plan=worked&limit=1")).items;
  await ann.go(`${own(run.id)}?view=timeline`);
  const region = page.getByRole("region", { name: "Timeline" });
  const whole = await region.getByText(/–.*·/).innerText();
  await region.getByRole("button", { name: "Closer" }).focus();
  await page.keyboard.press("Enter");
  await until("it is closer", async () => (await region.getByText(/–.*·/).innerText()) !== whole);
  await region.getByRole("button", { name: "Later" }).press("Enter");
  await region.getByRole("button", { name: "Show all of it" }).press("Enter");
  assert.equal(await region.getByText(/–.*·/).innerText(), whole);
  await ann.context.close();
});

test("a timeline shows what is tried again, and the attempts of a target", async () => {
  const flag = join(place.directory, "flag-{{ node.name }}");
  const script = `test -e ${flag} || { touch ${flag}; echo not yet >&2; exit 1; }`;
  const shell = { name: "flaky", use: "shell", with: { script }, retries: 2, backoff: "seconds" };
  await place.plan("flaky", { blocks: [{ name: "b", targets: everywhere, concurrency: 4, failures: 4, sequence: [shell] }] });
  const run = await place.run("flaky");
  const ann = await person(browser, place);
  const { page } = ann;
  await ann.go(`${own(run)}?view=timeline`);
  const region = page.getByRole("region", { name: "Timeline" });
  await region.getByText("retries").waitFor();
  await is(run, "succeeded");
  await region.locator("rect title").getByText(/^4 actions: tried again/).waitFor({ state: "attached" });
  const [block] = (await place.ask("GET", `namespaces/default/runs/${run}/board`)).blocks;
  await ann.go(`${own(run)}?at=b/${block.names[0]}`);
  await page.getByRole("dialog").getByRole("button", { name: "In the timeline" }).click();
  await region.getByText("flaky ×2").waitFor();
  const titles = region.locator("rect title");
  await titles.getByText(/flaky attempt 1: .*: failed/).waitFor({ state: "attached" });
  await titles.getByText(/flaky attempt 2: (changed|succeeded)/).waitFor({ state: "attached" });
  await isFine(ann, "a timeline with a target");
  await region.getByRole("button", { name: "Without" }).click();
  await region.getByText("flaky ×2").waitFor({ state: "detached" });
  await ann.context.close();
});

test("every page says when what it shows is old: the server is gone, or does not answer", async () => {
  const ann = await person(browser, place);
  const { page } = ann;
  const notice = page.getByText(/The connection was lost at/);
  await ann.go("/n/~/plans");
  await page.getByText("worked").first().waitFor();
  await place.kill();
  await notice.waitFor({ timeout: 20_000 });
  await page.getByText("worked").first().waitFor();
  await place.begin([...NODES, "--no-run"]);
  await notice.waitFor({ state: "detached", timeout: 20_000 });
  place.process.kill("SIGSTOP");
  await notice.waitFor({ timeout: 40_000 });
  await isFine(ann, "a page that is old");
  place.process.kill("SIGCONT");
  await notice.waitFor({ state: "detached", timeout: 20_000 });
  await ann.context.close();
});

test("a machine that has slept goes on where it was", async () => {
  await place.plan("sleeping", slow(8));
  const run = await place.run("sleeping");
  const ann = await person(browser, place);
  const { page, context } = ann;
  await ann.go(own(run));
  const legend = page.getByLabel("How targets stand").first();
  await legend.getByText("running").waitFor();
  await context.setOffline(true);
  await page.waitForTimeout(4_000);
  await context.setOffline(false);
  await stands(page, "succeeded").waitFor({ timeout: 60_000 });
  await until("nothing was missed", async () => /4\s*changed/.test(await legend.innerText()));
  await ann.context.close();
});

test("a token is made and ended, a password is changed, and the record is whole", async () => {
  const ann = await person(browser, place, bob);
  const { page } = ann;
  await ann.go("/access");
  await page.getByRole("button", { name: "New token …" }).click();
  await page.getByLabel("What it is for").fill("a test of tokens");
  await page.getByRole("button", { name: "Make it" }).click();
  const token = await page.getByRole("dialog").locator("code").innerText();
  await isFine(ann, "a token");
  await page.getByRole("button", { name: "I have it" }).click();
  assert.equal((await place.ask("GET", "me", undefined, token)).user, "bob");
  const row = page.getByRole("row").filter({ hasText: "a test of tokens" });
  await row.getByRole("button", { name: "End it" }).click();
  await row.waitFor({ state: "detached" });
  await assert.rejects(place.ask("GET", "me", undefined, token), /401/);
  await page.getByRole("button", { name: "Password …" }).click();
  await page.getByLabel("The new one").fill("a password that is long");
  await page.getByRole("button", { name: "Change it", exact: true }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await ann.go("/audit");
  await page.getByRole("button", { name: "Check the chain" }).click();
  await page.getByText(/The record is whole/).waitFor();
  await page.getByLabel("User, verb, resource or address").fill("bob");
  await isFine(ann, "the record");
  await ann.context.close();
});
