/** A board that goes on by the events of its run. Thousands a second change letters, and nothing else is drawn anew for them. */
import type { Board, RunEvent } from "../api/types";

/** The kinds of events that there are. */
export const KINDS = [
  "submitted", "approvalAwaited", "approved", "rejected", "started", "phase", "began", "ended", "roundBegan", "roundEnded",
  "batchBegan", "actionBegan", "attemptBegan", "attemptEnded", "actionEnded", "waiting", "lockAwaited", "cancelled", "asked",
  "resolved", "commanded", "caused", "recovered", "heartbeat", "finished", "foreseen", "retryAfter", "selected", "problem",
] as const;

/** What changes more than letters: the board is asked for again, in a moment. */
const LARGER = new Set([
  "approvalAwaited", "approved", "rejected", "started", "phase", "batchBegan", "asked", "resolved", "commanded", "caused",
  "recovered", "finished", "selected", "roundEnded",
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
  /** Grows with each change, for whoever draws. */
  version = 0;
  private at = new Map<string, [block: number, index: number]>();
  private listeners = new Set<() => void>();
  private frame = 0;

  constructor(board: Board) {
    this.board = board;
    this.seq = board.seq;
    this.letters = [];
    this.take(board);
  }

  /** A newer board, as the server draws it. */
  take(board: Board): void {
    if (board.seq < this.seq && board.run.id === this.board.run.id && this.letters.length > 0) return;
    this.board = board;
    this.seq = board.seq;
    this.letters = board.blocks.map((block) => block.states.split(""));
    this.at.clear();
    board.blocks.forEach((block, at) => {
      block.names.forEach((name, index) => this.at.set(`${block.address}/${name}`, [at, index]));
    });
    this.changed();
  }

  /** An event; whether more than letters has changed. */
  apply(event: RunEvent): boolean {
    if (event.seq <= this.seq) return false;
    this.seq = event.seq;
    this.feed.push(event);
    if (this.feed.length > FEED) this.feed.splice(0, this.feed.length - FEED);
    const place = this.sequenceOf(event.address);
    if (place) {
      const [block, index] = place;
      const isSequence = event.address === `${this.board.blocks[block]?.address}/${this.board.blocks[block]?.names[index]}`;
      const letter = this.letterOf(event, isSequence);
      const letters = this.letters[block];
      if (letter && letters) letters[index] = letter;
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
    return LARGER.has(event.kind) || isBlock;
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

  /** How many targets stand in each way. */
  tally(block?: number): Record<string, number> {
    const counts: Record<string, number> = {};
    this.letters.forEach((letters, at) => {
      if (block !== undefined && block !== at) return;
      for (const letter of letters) counts[letter] = (counts[letter] ?? 0) + 1;
    });
    return counts;
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
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
