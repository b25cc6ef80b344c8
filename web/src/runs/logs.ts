/** A log as it is looked at: the end of it and what comes, or some stretch of it. A file of gigabytes is never loaded whole. */
import { path, Problem, send } from "../api/client";
import { type Line, read, Splitter } from "./lines";

export interface Wanted {
  namespace: string;
  run: string;
  node: string;
  level: string;
  /** Only lines with this text; the server looks for it, in all of the file. */
  text: string;
}

/** How many lines are kept; the oldest go. */
export const KEPT = 20_000;
/** How many of the last lines are shown at first. */
const TAIL = 1_000;
/** How much is read for what was before; where little of it is wanted, more and more at a time. */
const STRETCH = 256 * 1024;
const LONGEST = 64 * 1024 * 1024;
/** How often what shows it is told of more, in milliseconds. */
const EVERY = 50;
/** How many lines a stretch has. */
const AT_ONCE = 2_000;

export class Log {
  lines: Line[] = [];
  /** Where in its file that begins which was looked through. */
  begins = 0;
  size = 0;
  /** How many lines went at the front, to make room. */
  dropped = 0;
  /** Whether there is more behind a stretch that was looked at. */
  hasMore = false;
  /** Whether it has all that there is, and waits for more. */
  isFollowing = false;
  isOver = false;
  error: unknown = null;
  version = 0;
  private readonly wanted: Wanted;
  private readonly tell: () => void;
  private abort = new AbortController();
  private frame = 0;

  constructor(wanted: Wanted, tell: () => void) {
    this.wanted = wanted;
    this.tell = tell;
  }

  address(query: Record<string, string | number | boolean | undefined>): string {
    const { namespace, run, node, level, text } = this.wanted;
    return path(["namespaces", namespace, "runs", run, "logs"], { node, level, text, offsets: true, ...query });
  }

  /** The last lines, then what comes. */
  async follow(): Promise<void> {
    this.restart();
    this.isFollowing = true;
    let [wait, query]: [number, Record<string, number | boolean>] = [250, { tail: TAIL, follow: true }];
    const { signal } = this.abort;
    while (!signal.aborted) {
      try {
        await this.readAll(query, signal, -1);
        this.isOver = true;
        this.changed();
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof Problem && error.status !== 0 && error.status !== 503) {
          this.fail(error);
          return;
        }
        await new Promise((done) => setTimeout(done, wait));
        wait = Math.min(wait * 2, 5_000);
        // It goes on behind the last line that came whole.
        const last = this.lines.at(-1);
        query = last && last.offset >= 0 ? { from: last.offset, follow: true } : { tail: TAIL, follow: true };
        if (last && last.offset >= 0) this.lines.pop();
      }
    }
  }

  /** A stretch from an offset on, a little before it. */
  async lookAt(offset: number): Promise<void> {
    this.restart();
    await this.stretch(Math.max(0, offset - 4096), -1);
  }

  /** The first lines, from the beginning on. */
  async begin(): Promise<void> {
    this.restart();
    await this.stretch(0, -1);
  }

  /** What comes behind the last line of a stretch that was looked at. */
  async later(): Promise<void> {
    const last = this.lines.at(-1);
    if (!this.isFollowing && last && last.offset >= 0) await this.stretch(last.offset, last.offset);
  }

  /** Where the first line of a level is; -1 where there is none. */
  async first(level: string): Promise<number> {
    const response = await send(this.address({ level, text: undefined, from: 0, most: 1 }), { signal: this.abort.signal });
    const [line = ""] = (await response.text()).split("\n");
    return line === "" ? -1 : read(line).offset;
  }

  /** What was before the first line, and how many lines that are. */
  async earlier(): Promise<number> {
    const { signal } = this.abort;
    let found = 0;
    for (let length = STRETCH; found === 0 && this.begins > 0; length = Math.min(LONGEST, length * 4)) {
      const from = Math.max(0, this.begins - length);
      // A line that begins in it comes whole; one that begins before it comes with what is before.
      const response = await send(this.address({ from, until: this.begins }), { signal });
      const lines = (await response.text()).split("\n").filter((line) => line !== "").map(read);
      this.lines = [...lines, ...this.lines];
      this.begins = from;
      found = lines.length;
    }
    if (this.lines.length > KEPT) {
      // What is at the other end goes, and what comes there would not be next to what stays.
      this.lines.length = KEPT;
      this.abort.abort();
      this.abort = new AbortController();
      this.isFollowing = false;
      this.hasMore = true;
    }
    this.changed();
    return found;
  }

  end(): void {
    this.abort.abort();
    clearTimeout(this.frame);
  }

  private restart(): void {
    this.abort.abort();
    this.abort = new AbortController();
    this.lines = [];
    this.begins = 0;
    this.hasMore = false;
    this.isFollowing = false;
    this.isOver = false;
    this.error = null;
    this.changed();
  }

  private async stretch(from: number, behind: number): Promise<void> {
    const { signal } = this.abort;
    try {
      const got = await this.readAll({ from, most: AT_ONCE }, signal, behind);
      this.hasMore = got === AT_ONCE;
      this.changed();
    } catch (error) {
      if (!signal.aborted) this.fail(error);
    }
  }

  /** Reads lines, those behind an offset, and says how many came. */
  private async readAll(query: Record<string, number | boolean>, signal: AbortSignal, behind: number): Promise<number> {
    const response = await send(this.address(query), { signal });
    if (this.lines.length === 0) this.begins = Number(response.headers.get("windlass-from") ?? 0);
    this.size = Number(response.headers.get("windlass-size") ?? 0);
    const reader = response.body?.getReader();
    const splitter = new Splitter();
    let got = 0;
    while (reader) {
      const { done, value } = await reader.read();
      if (done) break;
      const lines = splitter.take(value).map(read);
      got += lines.length;
      this.lines.push(...(behind < 0 ? lines : lines.filter((line) => line.offset > behind)));
      const over = this.lines.length - KEPT;
      if (over > 0) {
        this.lines.splice(0, over);
        this.dropped += over;
        this.begins = this.lines[0]?.offset ?? this.begins;
      }
      this.changed();
    }
    return got;
  }

  private fail(error: unknown): void {
    this.error = error;
    this.changed();
  }

  /** Whoever shows it is told now and then, not for each line. */
  private changed(): void {
    this.version += 1;
    if (this.frame !== 0) return;
    this.frame = Number(
      setTimeout(() => {
        this.frame = 0;
        this.tell();
      }, EVERY),
    );
  }
}
