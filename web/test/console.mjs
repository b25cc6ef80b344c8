// The console in a real browser, against a real server with a fleet.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { everywhere, isFine, slow, stands } from "./look.mjs";
import { browse, person, Place, until } from "./place.mjs";

const shots = process.env.WINDLASS_SHOTS;
const place = new Place();
let browser;

before(async () => {
  await place.begin(["--nodes", "6"]);
  browser = await browse();
});

after(async () => {
  await browser?.close();
  await place.end();
});

const large = {
  blocks: [
    {
      name: "patch", targets: everywhere, concurrency: 500, failures: { max: 20, strict: true }, soak: "10m", batches: [100, "25%"],
      sequence: [
        { name: "drain", use: "shell", with: { script: "drain" }, undo: { use: "shell", with: { script: "undrain" } } },
        { name: "install", use: "shell", with: { script: "install" } },
      ],
    },
  ],
};

test("whoever has the link is in, and whoever has not is told how", async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${place.url}/ui/n/default/plans`);
  await page.getByLabel("User").fill("nobody");
  await page.getByLabel("Password").fill("a password that is wrong");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByText("there is no such user with that password").waitFor();
  await page.getByRole("button", { name: "With a token" }).click();
  await page.getByLabel("Token").fill(place.token);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("heading", { name: "Plans" }).waitFor();
  assert.equal(new URL(page.url()).pathname, "/ui/n/default/plans", "where they wanted to go");
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("User").waitFor();
  await page.goto(`${place.url}/ui/sign-in?to=//example.org#token=${place.token}`);
  await page.getByRole("heading", { name: "Runs", exact: true }).waitFor();
  assert.ok(!page.url().includes("wl_"), "the token is in no address");
  await context.close();
});

test("runs are listed and filtered, and the filter is the address", async () => {
  const ann = await person(browser, place);
  const { page } = ann;
  await page.getByRole("row").nth(1).waitFor();
  await page.getByLabel("State", { exact: true }).selectOption("failed");
  await page.waitForURL(/status=failed/);
  await page.getByText("No run is like that").waitFor();
  await isFine(ann, "an empty list");
  await page.goBack();
  await page.getByRole("row").nth(1).waitFor();
  await isFine(ann, "the list of runs");
  await page.getByRole("table").getByRole("link").first().click();
  await page.getByLabel("How targets stand").first().waitFor();
  await ann.context.close();
});

test("a run is started with a preview, followed live, and stopped with a reason", async () => {
  const params = { word: { type: "string", default: "hello", description: "what is said" } };
  await place.plan("slow", { params, ...slow(20) }, "a plan that takes its time");
  const ann = await person(browser, place);
  const { page } = ann;
  await ann.go("/n/default/plans/slow");
  await page.getByRole("region", { name: "Block work" }).waitFor();
  await isFine(ann, "a plan");
  await page.getByRole("button", { name: /Preview and start/ }).click();
  await page.getByLabel("word").fill("world");
  await page.getByRole("button", { name: "Preview", exact: true }).click();
  await page.getByText(/at most 5 of 6 fail/).waitFor();
  await isFine(ann, "a preview");
  await page.getByRole("button", { name: "Start on 6 targets" }).click();
  await page.waitForURL(/\/runs\//);
  const legend = page.getByLabel("How targets stand").first();
  await until("two are at work", async () => /2\s*running/.test(await legend.innerText()));
  await isFine(ann, "a run that goes on");
  await page.getByRole("tab", { name: "Log" }).click();
  await page.getByRole("log").getByText("at work").first().waitFor();
  await isFine(ann, "a log");
  for (const name of ["Timeline", "Tree", "Events"]) {
    await page.getByRole("tab", { name }).click();
    await page.getByRole("region", { name }).waitFor();
    await isFine(ann, name);
  }
  await page.getByRole("tab", { name: "Targets" }).click();
  await page.getByRole("button", { name: "As a list" }).click();
  await page.getByRole("list", { name: "Targets of work" }).getByRole("listitem").filter({ hasText: "running" }).first().getByRole("button").click();
  await page.getByRole("dialog").getByText("wait", { exact: true }).waitFor();
  await isFine(ann, "a target");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Stop", exact: true }).click();
  await page.getByText(/4 targets will not be touched/).waitFor();
  await page.getByLabel("Why").fill("it was a test");
  await isFine(ann, "a question");
  await page.getByRole("dialog").getByRole("button", { name: "Stop", exact: true }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Kill", exact: true }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Kill", exact: true }).click();
  await stands(page, "stopped").waitFor();
  const audit = await place.ask("GET", "audit?limit=20");
  assert.ok(JSON.stringify(audit).includes("it was a test"));
  await ann.context.close();
});

test("two people look at once, and one approves what the other asked for", async () => {
  const sequence = [{ name: "a", use: "command", with: { argv: ["true"] } }];
  await place.plan("asked", { approval: { quorum: 1 }, blocks: [{ name: "b", targets: everywhere, sequence }] });
  const bob = await person(browser, place, await place.user("bob", "admin", ["*"]));
  const ann = await person(browser, place);
  const run = await place.run("asked");
  await ann.go(`/n/default/runs/${run}`);
  await stands(ann.page, "awaits approval").waitFor();
  await bob.go("/inbox");
  await bob.page.getByText("To be approved").waitFor();
  await isFine(bob, "the inbox");
  await bob.page.getByRole("row").filter({ hasText: "asked" }).getByRole("link").click();
  await bob.page.getByRole("button", { name: "Approve" }).click();
  await bob.page.getByText(/and it begins at once/).waitFor();
  await bob.page.getByRole("dialog").getByRole("button", { name: "Approve", exact: true }).click();
  for (const who of [ann, bob]) await stands(who.page, "succeeded").waitFor();
  await ann.context.close();
  await bob.context.close();
});

test("a viewer sees no button that would be refused", async () => {
  const vic = await person(browser, place, await place.user("vic", "viewer"));
  const run = await place.run("slow");
  await vic.go(`/n/default/runs/${run}`);
  await vic.page.getByLabel("How targets stand").first().waitFor();
  for (const name of ["Pause", "Stop", "Cancel", "Kill", "Approve"]) {
    assert.equal(await vic.page.getByRole("button", { name, exact: true }).count(), 0, name);
  }
  await vic.go("/n/default/plans/slow");
  await vic.page.getByRole("link", { name: "Rehearse" }).waitFor();
  assert.equal(await vic.page.getByRole("button", { name: /Preview and start/ }).count(), 0);
  assert.equal(await vic.page.getByRole("link", { name: "Audit" }).count(), 0);
  await isFine(vic, "a plan for who only looks");
  await place.ask("POST", `namespaces/default/runs/${run}/kill`, {});
  await vic.context.close();
});

test("a page goes on by itself when the server was killed and is back", async () => {
  const ann = await person(browser, place);
  await place.plan("long", slow(3));
  const run = await place.run("long");
  await ann.go(`/n/default/runs/${run}`);
  const legend = ann.page.getByLabel("How targets stand").first();
  await until("it goes on", async () => /running/.test(await legend.innerText()));
  await place.kill();
  const notice = ann.page.getByText(/The connection was lost at/);
  await notice.waitFor();
  await place.begin(["--nodes", "6", "--no-run"]);
  await notice.waitFor({ state: "detached" });
  await stands(ann.page, /succeeded|failed/).waitFor({ timeout: 90_000 });
  const board = await place.ask("GET", `namespaces/default/runs/${run}/board`);
  const ended = [...board.blocks[0].states].filter((letter) => letter === "c").length;
  await until("nothing was missed", async () => new RegExp(`${ended} changed`).test((await legend.innerText()).replaceAll(/\s+/g, " ")));
  await ann.context.close();
});

test("a rehearsal of ten thousand targets is played, drawn, shared and exported", async () => {
  await place.plan("large", large);
  const ann = await person(browser, place);
  const { page } = ann;
  await ann.go("/n/default/plans/large/rehearse");
  await page.getByRole("button", { name: "install" }).click();
  await page.getByLabel("What", { exact: true }).selectOption("permanent");
  await page.getByLabel("Share").fill("1");
  await page.getByText("Parameters, targets, chance").click();
  await page.getByLabel("Simulated targets").fill("10000");
  const begun = Date.now();
  await page.getByRole("button", { name: "Rehearse", exact: true }).click();
  await page.getByRole("img", { name: /10.000 targets of patch/ }).waitFor();
  console.log(`ten thousand targets rehearsed and drawn in ${Date.now() - begun} ms`);
  await page.getByText(/at most 21 of 10.000 fail/).waitFor();
  await isFine(ann, "a rehearsal");
  await page.getByRole("button", { name: "As a test" }).click();
  await page.getByRole("dialog").getByText("--fault 'patch/*/install%1=permanent'").waitFor();
  await page.keyboard.press("Escape");
  const other = await person(browser, place);
  await other.page.goto(page.url());
  await other.page.getByRole("img", { name: /10.000 targets of patch/ }).waitFor();
  await other.context.close();
  await ann.context.close();
});

test("hostile names and output are text", async () => {
  const hostile = `<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>`;
  const script = `echo '${hostile}'; echo '${hostile}' >&2; exit 3`;
  const block = { name: "b", targets: everywhere, concurrency: 6, sequence: [{ name: "a", use: "shell", with: { script } }] };
  await place.plan("hostile", { blocks: [block] }, hostile);
  const ann = await person(browser, place);
  const run = await place.run("hostile", { why: hostile });
  await until("it has failed", async () => (await place.ask("GET", `namespaces/default/runs/${run}`)).status === "failed");
  const [node] = (await place.ask("GET", "nodes")).items;
  const own = `/n/default/runs/${run}`;
  for (const path of ["/n/default/plans", "/n/default/plans/hostile", "/n/default/runs", own, `${own}?at=b/${node.metadata.name}`, `${own}?view=log`]) {
    await ann.go(path);
    await ann.page.waitForTimeout(300);
    assert.equal(await ann.page.evaluate(() => window.pwned), undefined, path);
  }
  await ann.page.getByRole("log").getByText("<script>window.pwned=1</script>").first().waitFor();
  const answer = await fetch(`${place.url}/ui/`);
  assert.match(answer.headers.get("content-security-policy"), /script-src 'self';.*frame-ancestors 'none'/);
  const pwned = await ann.page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "window.pwned = 1";
    document.body.append(script);
    return window.pwned;
  });
  assert.equal(pwned, undefined, "no script runs that did not come with the console");
  await ann.context.close();
});

test("a freeze is made and lifted, and every page says so", async () => {
  const ann = await person(browser, place);
  const { page } = ann;
  await ann.go("/freezes");
  await page.getByText("Nothing is frozen").waitFor();
  await page.getByRole("button", { name: "Freeze …" }).click();
  await page.getByLabel("Name", { exact: true }).fill("incident");
  await page.getByLabel("Why").fill("I want to see it");
  await page.getByLabel("Plans").fill("nothing-like-it");
  await page.getByRole("dialog").getByRole("button", { name: "Freeze", exact: true }).click();
  await page.getByText(/Frozen: incident/).waitFor();
  await isFine(ann, "freezes");
  await page.getByRole("button", { name: "Lift" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Lift", exact: true }).click();
  await page.getByText("Nothing is frozen").waitFor();
  await ann.context.close();
});

test("anything is found by its name with the keyboard alone", async () => {
  const ann = await person(browser, place);
  const { page } = ann;
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox", { name: /Go to/ }).fill("default/slow");
  await page.getByRole("option", { name: /default\/slow/ }).waitFor();
  await isFine(ann, "the palette");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "slow", level: 1 }).waitFor();
  await ann.context.close();
});

test("every page stands in light and dark", async () => {
  const [run] = (await place.ask("GET", "runs?plan=long&limit=5")).items;
  // Something that waits for somebody, and something that has the lock of a node.
  await place.plan("slower", slow(600, { timeout: "20m" }));
  const [asked, working] = [await place.run("asked"), await place.run("slower")];
  const node = await until("a node is worked on", async () => {
    const [block] = (await place.ask("GET", `namespaces/default/runs/${working}/board`)).blocks;
    return block.states.includes("r") && block.names[block.states.indexOf("r")];
  });
  const own = `/n/default/runs/${run.id}`;
  const fault = encodeURIComponent("patch/*/install%1=permanent");
  const pages = {
    runs: "/n/~/runs", run: own, timeline: `${own}?view=timeline`, log: `${own}?view=log`,
    plans: "/n/~/plans", plan: "/n/default/plans/large", start: "/n/default/plans/slow?view=start", revisions: "/n/default/plans/slow?view=revisions",
    rehearsal: `/n/default/plans/large/rehearse?targets=3000&fault=${fault}&played=1`, inbox: "/inbox", nodes: "/nodes",
    node: `/nodes/${node}`, freezes: "/freezes", budgets: "/n/~/budgets", audit: "/audit", access: "/access", status: "/status",
  };
  for (const colorScheme of ["light", "dark"]) {
    const ann = await person(browser, place, place.token, { colorScheme });
    for (const [name, path] of Object.entries(pages)) {
      await ann.go(path);
      await ann.page.getByRole("heading", { level: 1 }).waitFor();
      await ann.page.waitForLoadState("networkidle", { timeout: 1_500 }).catch(() => {});
      await isFine(ann, `${name} in ${colorScheme}`);
      if (shots) {
        mkdirSync(shots, { recursive: true });
        await ann.page.screenshot({ path: join(shots, `${name}-${colorScheme}.png`) });
      }
    }
    await ann.context.close();
  }
  await place.ask("POST", `namespaces/default/runs/${working}/kill`, {});
  await place.ask("POST", `namespaces/default/runs/${asked}/reject`, {});
});
