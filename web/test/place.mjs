// A server with a fleet, as `windlass up` gives it, and browsers that look at it.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
  "--disable-sync",
];

/** Waits until something is so. */
export async function until(what, look, within = 30_000) {
  const end = Date.now() + within;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`it is not so: ${what}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

export class Place {
  constructor() {
    this.directory = mkdtempSync(join(tmpdir(), "windlass-console-"));
    this.listen = "127.0.0.1:0";
  }

  async begin(more = []) {
    const args = ["up", "--data-dir", this.directory, "--listen", this.listen, ...more];
    this.process = spawn(process.env.WINDLASS_BIN, args, { stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    this.process.stdout.on("data", (bytes) => (said += bytes));
    this.process.stderr.on("data", (bytes) => (said += bytes));
    this.ended = new Promise((done) => this.process.once("exit", done));
    this.url = await until("it listens", () => {
      if (this.process.exitCode !== null) throw new Error(`it ended: ${said}`);
      return /In another terminal/.test(said) && /listens on (http:\S+?),/.exec(said)?.[1];
    }, 90_000);
    this.listen = this.url.replace("http://", "");
    this.token = readFileSync(join(this.directory, "token"), "utf8").trim();
  }

  /** Kills it, as a machine that goes down does. */
  async kill() {
    this.process.kill("SIGKILL");
    await this.ended;
  }

  async end() {
    this.process.kill("SIGTERM");
    await this.ended;
    rmSync(this.directory, { recursive: true, force: true });
  }

  async ask(method, path, body, token = this.token) {
    const media = method === "PATCH" ? "application/apply+json" : "application/json";
    const response = await fetch(`${this.url}/api/v1/${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": media },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    if (response.status === 429) {
      await new Promise((done) => setTimeout(done, 1000 * Number(response.headers.get("retry-after") ?? 1)));
      return this.ask(method, path, body, token);
    }
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  }

  async plan(name, spec, description) {
    const metadata = description === undefined ? {} : { annotations: { description } };
    await this.ask("PATCH", `namespaces/default/plans/${name}`, { metadata, spec });
  }

  async run(plan, more = {}) {
    return (await this.ask("POST", "namespaces/default/runs", { plan, ...more })).run;
  }

  /** A user with a role, and a token of theirs. */
  async user(name, role, namespaces = ["default"]) {
    await this.ask("PATCH", `users/${name}`, { spec: {} });
    await this.ask("PATCH", `rolebindings/${name}`, { spec: { role, users: [name], namespaces } });
    return (await this.ask("POST", "tokens", { user: name, note: "a test" })).token;
  }
}

export async function browse() {
  return chromium.launch({ executablePath: "/usr/bin/chromium", args: FLAGS });
}

/** Somebody signed in, and everything that their browser complained about; `before` runs before anything of a page. */
export async function person(browser, place, token = place.token, options = {}) {
  const { before, ...more } = options;
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 }, reducedMotion: "reduce", ...more });
  if (before) await context.addInitScript(before);
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const complaints = [];
  page.on("console", (message) => {
    const isOfNetwork = /Failed to load resource|ERR_CONNECTION|ERR_INCOMPLETE|ERR_EMPTY/.test(message.text());
    if (message.type() === "error" && !isOfNetwork) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(`${place.url}/ui/sign-in#token=${token}`);
  await page.getByRole("heading", { name: "Runs", exact: true }).waitFor();
  return { context, page, complaints, go: (path) => page.goto(`${place.url}/ui${path}`) };
}
