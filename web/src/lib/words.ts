/** Words and signs for how things stand. Whatever is told by a colour is told by a sign, too. */

export type State =
  | "pending"
  | "running"
  | "succeeded"
  | "failed"
  | "skipped"
  | "stopped"
  | "submitted"
  | "awaitingApproval"
  | "paused"
  | "asked"
  | "held"
  | "retrying"
  | "changed";

interface Look {
  word: string;
  sign: string;
  /** The name of a CSS variable. */
  colour: string;
}

const LOOKS: Record<State, Look> = {
  pending: { word: "pending", sign: "·", colour: "skip" },
  running: { word: "running", sign: "▶", colour: "run" },
  succeeded: { word: "succeeded", sign: "✓", colour: "ok" },
  failed: { word: "failed", sign: "✗", colour: "bad" },
  skipped: { word: "skipped", sign: "↷", colour: "skip" },
  stopped: { word: "stopped", sign: "■", colour: "stop" },
  submitted: { word: "submitted", sign: "○", colour: "skip" },
  awaitingApproval: { word: "awaits approval", sign: "?", colour: "warn" },
  paused: { word: "paused", sign: "‖", colour: "warn" },
  asked: { word: "waits for a person", sign: "?", colour: "warn" },
  held: { word: "waits for a lock", sign: "⧗", colour: "warn" },
  retrying: { word: "tried again", sign: "↻", colour: "warn" },
  changed: { word: "changed", sign: "✓", colour: "changed" },
};

export function look(state: string): Look {
  return LOOKS[state as State] ?? { word: state, sign: "·", colour: "skip" };
}

const LETTERS: Record<string, State> = {
  ".": "pending",
  r: "running",
  s: "succeeded",
  c: "changed",
  f: "failed",
  k: "skipped",
  x: "stopped",
  w: "held",
  "?": "asked",
};

/** What a letter of a board says. */
export function stateOf(letter: string): State {
  return LETTERS[letter] ?? "pending";
}

export function isOver(status: string): boolean {
  return status === "succeeded" || status === "failed" || status === "stopped";
}

const REASONS: Record<string, string> = {
  action: "an action failed",
  preCheck: "a check before did not pass",
  continuousCheck: "a continuous check did not pass",
  postCheck: "a check afterwards did not pass",
  deferredCheck: "a deferred check did not pass",
  deferredBatch: "deferred work failed",
  stopped: "stopped by a person",
  deadline: "a deadline passed",
  storage: "its record could not be kept",
  interrupted: "it was interrupted, and nobody knows how that ended",
  selection: "no targets could be chosen",
};

export function reason(kind: string): string {
  return REASONS[kind] ?? kind;
}

export function count(n: number, one: string, many = `${one}s`): string {
  return `${grouped(n)} ${n === 1 ? one : many}`;
}

export function grouped(n: number): string {
  return n.toLocaleString("en-US").replaceAll(",", "\u202f");
}

export function bytes(n: number): string {
  const units = ["B", "KiB", "MiB", "GiB"];
  let at = 0;
  while (n >= 1024 && at < units.length - 1) {
    n /= 1024;
    at += 1;
  }
  return `${n < 10 && at > 0 ? n.toFixed(1) : Math.round(n)} ${units[at]}`;
}
