/** A board that goes on by the events of its run. Thousands a second change letters, and nothing else is drawn anew for them. */
import type { Board, RunEvent } from "../api/types";
import { isOver } from "../lib/words";

/** The kinds of events that there are. */
export const KINDS = [
  "submitted", "approvalAwaited", "approved", "rejected", "started", "phase", "began", "ended", "roundBegan", "roundEnded",
  "batchBegan", "actionBegan", "attemptBegan", "attemptEnded", "actionEnded", "waiting", "lockAwaited", "cancelled", "asked",
  "resolved", "commanded", "caused", "recovered", "heartbeat", "finished", "foreseen", "retryAfter", "selected", "problem",
] as const;

/** What changes more than letters: the board is asked for again, in a moment. */
const LARGER = new Set([
  "approvalAwaited", "approved", "rejected", "started", "phase", "batchBegan", "asked", "resolved", "commanded", "caused",
  "recovered", "finished", "selected", "roundEnded", "lockAwaited",
]);

const LETTER: Record<string, string> = { succeeded: "s", failed: "f", skipped: "k", stopped: "x" };

/** How many of the newest events are kept to be read. */
const FEED = 300;

export class LiveBoard {
  board: Board;
  seq: number;
  /** By block, a letter for each target. */
  letters: string[][];
  feed: RunEvent[] = [];
  /** By block and target, the number of the last event in it. */
  private touched: number[][] = [];
  private touchedElsewhere = 0;
  /** Grows with each change, for whoever draws. */
  version = 0;
  private counts: Map<string, number>[] = [];
  private at = new Map<string, [block: number, index: number]>();
  private listeners = new Set<() => void>();
  private frame = 0;

  constructor(board: Board) {
    this.board = board;
    this.seq = board.seq;
    this.letters = [];
    this.take(board);
  }

  /** A board as the server has drawn it. While much happens, events are ahead of it by the time that it comes. */
  take(board: Board): void {
    if (board.seq < this.seq && this.isAlike(board)) {
      this.takeAround(board);
      return;
    }
    this.board = board;
    this.seq = board.seq;
    this.letters = board.blocks.map((block) => block.states.split(""));
    this.counts = this.letters.map((letters) => {
      const counts = new Map<string, number>();
      for (const letter of letters) counts.set(letter, (counts.get(letter) ?? 0) + 1);
      return counts;
    });
    if (this.touched.length !== board.blocks.length) this.touched = board.blocks.map(() => []);
    this.at.clear();
    board.blocks.forEach((block, at) => {
      block.names.forEach((name, index) => this.at.set(`${block.address}/${name}`, [at, index]));
    });
    this.changed();
  }

  /** Whether it has the same targets as the one that is shown. */
  private isAlike(board: Board): boolean {
    const own = this.board.blocks;
    return this.letters.length > 0 && board.blocks.length === own.length && board.blocks.every((block, at) => block.names.length === own[at]?.names.length);
  }

  /** Everything of it but what events have said of targets, and of the end. */
  private takeAround(board: Board): void {
    const before = this.board;
    const blocks = board.blocks.map((block, at) => ({ ...block, begans: before.blocks[at]?.begans ?? [], endeds: before.blocks[at]?.endeds ?? [] }));
    this.board = { ...board, blocks, run: isOver(before.run.status) ? before.run : board.run };
    this.changed();
  }

  /** An event; whether more than letters has changed. */
  apply(event: RunEvent): boolean {
    if (event.seq <= this.seq) return false;
    this.seq = event.seq;
    this.feed.push(event);
    if (this.feed.length > FEED) this.feed.splice(0, this.feed.length - FEED);
    const place = this.sequenceOf(event.address);
    if (!place) this.touchedElsewhere = event.seq;
    else {
      const [block, index] = place;
      const touched = this.touched[block];
      if (touched) touched[index] = event.seq;
      const isSequence = event.address === `${this.board.blocks[block]?.address}/${this.board.blocks[block]?.names[index]}`;
      const letter = this.letterOf(event, isSequence);
      if (letter) this.put(block, index, letter);
      const of = this.board.blocks[block];
      const start = this.board.run.startedAt ?? this.board.run.submittedAt;
      const at = Date.parse(event.at) - Date.parse(start);
      if (of && isSequence && event.kind === "began") of.begans[index] = at;
      if (of && isSequence && event.kind === "ended") of.endeds[index] = at;
    }
    if (event.kind === "finished" && event.status) {
      this.board.run.status = event.status;
      this.board.run.endedAt = event.at;
    }
    this.changed();
    const isBlock = (event.kind === "began" || event.kind === "ended") && !place;
    const isFailure = event.kind === "ended" && event.status === "failed";
    const isAgain = event.kind === "attemptBegan" && (event.n ?? 1) > 1;
    return LARGER.has(event.kind) || isBlock || isFailure || isAgain;
  }

  private letterOf(event: RunEvent, isSequence: boolean): string | undefined {
    switch (event.kind) {
      case "began":
        return isSequence ? "r" : undefined;
      case "ended":
        if (!isSequence) return undefined;
        return event.status === "succeeded" && event.changed ? "c" : LETTER[event.status ?? ""];
      case "lockAwaited":
        return "w";
      case "asked":
        return "?";
      case "attemptBegan":
      case "resolved":
        return "r";
      default:
        return undefined;
    }
  }

  /** The target that an element is in. */
  sequenceOf(address: string): [number, number] | undefined {
    let rest = address;
    while (rest !== "") {
      const found = this.at.get(rest);
      if (found) return found;
      const cut = rest.lastIndexOf("/");
      if (cut < 0) return undefined;
      rest = rest.slice(0, cut);
    }
    return undefined;
  }

  /** The number of the last event of a target, or of what is outside of targets: what is shown is good until there is another. */
  touchedIn(address: string): number {
    const place = this.sequenceOf(address);
    return place ? (this.touched[place[0]]?.[place[1]] ?? 0) : this.touchedElsewhere;
  }

  /** How many targets stand in each way. It is counted as letters change: thousands of them are not gone over for each picture. */
  tally(block?: number): Record<string, number> {
    const counts: Record<string, number> = {};
    this.counts.forEach((own, at) => {
      if (block !== undefined && block !== at) return;
      for (const [letter, count] of own) if (count > 0) counts[letter] = (counts[letter] ?? 0) + count;
    });
    return counts;
  }

  private put(block: number, index: number, letter: string): void {
    const [letters, counts] = [this.letters[block], this.counts[block]];
    const before = letters?.[index];
    if (!letters || !counts || before === letter) return;
    if (before !== undefined) counts.set(before, (counts.get(before) ?? 1) - 1);
    counts.set(letter, (counts.get(letter) ?? 0) + 1);
    letters[index] = letter;
  }

  /**
   * Calls when something has changed, as a picture is made; not more often than every so many milliseconds, and then with the
   * last of it, too.
   */
  subscribe(listener: () => void, every = 0): () => void {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let last = Number.NEGATIVE_INFINITY;
    const tell = () => {
      timer = undefined;
      last = performance.now();
      listener();
    };
    const told = () => {
      if (timer !== undefined) return;
      const wait = last + every - performance.now();
      if (wait <= 0) tell();
      else timer = setTimeout(tell, wait);
    };
    const own = every === 0 ? listener : told;
    this.listeners.add(own);
    return () => {
      this.listeners.delete(own);
      clearTimeout(timer);
    };
  }

  /** Whoever draws is told once for each picture of the screen. */
  private changed(): void {
    this.version += 1;
    if (this.frame !== 0) return;
    const tell = () => {
      this.frame = 0;
      for (const listener of this.listeners) listener();
    };
    this.frame = typeof requestAnimationFrame === "function" ? requestAnimationFrame(tell) : 1;
  }
}
