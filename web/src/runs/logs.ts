/** A log as it is looked at: the end of it and what comes, or some stretch of it. A file of gigabytes is never loaded whole. */
import { path, Problem, send } from "../api/client";
import { type Line, read, Splitter } from "./lines";

export interface Wanted {
  namespace: string;
  run: string;
  node: string;
  level: string;
}

/** How many lines are kept; the oldest go. */
export const KEPT = 20_000;
/** How many of the last lines are shown at first. */
const TAIL = 1_000;
/** How much is read for what was before. */
const STRETCH = 256 * 1024;

export class Log {
  lines: Line[] = [];
  /** Where in its file the first line begins that was read. */
  from = 0;
  size = 0;
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
    const { namespace, run, node, level } = this.wanted;
    return path(["namespaces", namespace, "runs", run, "logs"], { node, level, offsets: true, ...query });
  }

  /** The last lines, then what comes. */
  async follow(): Promise<void> {
    this.restart();
    this.isFollowing = true;
    let [wait, query]: [number, Record<string, number | boolean>] = [250, { tail: TAIL, follow: true }];
    const { signal } = this.abort;
    while (!signal.aborted) {
      try {
        await this.readAll(query, signal, false);
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
    await this.guarded({ from: Math.max(0, offset - 4096), most: 2_000 });
  }

  /** Where the first line of a level is; -1 where there is none. */
  async first(level: string): Promise<number> {
    const response = await send(this.address({ level, from: 0, most: 1 }), { signal: this.abort.signal });
    const [line = ""] = (await response.text()).split("\n");
    return line === "" ? -1 : read(line).offset;
  }

  /** What was before the first line. */
  async earlier(): Promise<number> {
    const first = this.lines[0]?.offset ?? this.from;
    if (first <= 0) return 0;
    const from = Math.max(0, first - STRETCH);
    const response = await send(this.address({ from, until: first }), { signal: this.abort.signal });
    const lines = (await response.text()).split("\n").filter((line) => line !== "").map(read);
    this.lines = [...lines, ...this.lines].slice(0, KEPT);
    this.from = from;
    this.changed();
    return lines.length;
  }

  end(): void {
    this.abort.abort();
    clearTimeout(this.frame);
  }

  private restart(): void {
    this.abort.abort();
    this.abort = new AbortController();
    this.lines = [];
    this.isFollowing = false;
    this.isOver = false;
    this.error = null;
    this.changed();
  }

  private async guarded(query: Record<string, number>): Promise<void> {
    const { signal } = this.abort;
    try {
      await this.readAll(query, signal, true);
    } catch (error) {
      if (!signal.aborted) this.fail(error);
    }
  }

  private async readAll(query: Record<string, number | boolean>, signal: AbortSignal, isStretch: boolean): Promise<void> {
    const response = await send(this.address(query), { signal });
    this.from = Number(response.headers.get("windlass-from") ?? 0);
    this.size = Number(response.headers.get("windlass-size") ?? 0);
    const reader = response.body?.getReader();
    const splitter = new Splitter();
    while (reader) {
      const { done, value } = await reader.read();
      if (done) return;
      this.lines.push(...splitter.take(value).map(read));
      if (!isStretch && this.lines.length > KEPT) this.lines.splice(0, this.lines.length - KEPT);
      this.changed();
    }
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
      }, 16),
    );
  }
}
