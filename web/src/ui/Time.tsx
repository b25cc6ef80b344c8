import { useSyncExternalStore } from "react";
import { ago, clock, exact, length } from "../lib/time";

let now = Date.now();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    now = Date.now();
    for (const one of listeners) one();
  }, 1000);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/** The time, once a second. */
export function useNow(): number {
  return useSyncExternalStore(
    subscribe,
    () => now,
    () => now,
  );
}

export function millis(at: string | number): number {
  return typeof at === "number" ? at : Date.parse(at.includes("T") ? at : `${at.replace(" ", "T")}Z`);
}

/** When: relative, and exactly with its zone for who points at it. */
export function Ago({ at }: { at: string | number }) {
  const now = useNow();
  const time = millis(at);
  return (
    <time dateTime={new Date(time).toISOString()} title={exact(time)} className="whitespace-nowrap">
      {ago(time, now)}
    </time>
  );
}

/** When: the time of day. */
export function At({ at }: { at: string | number }) {
  const time = millis(at);
  return (
    <time dateTime={new Date(time).toISOString()} title={exact(time)} className="whitespace-nowrap tabular-nums">
      {clock(time)}
    </time>
  );
}

/** How long; what goes on counts. */
export function Took({ from, to }: { from?: string | number | null; to?: string | number | null }) {
  const now = useNow();
  if (from === undefined || from === null) return <span className="text-muted">–</span>;
  const end = to === undefined || to === null ? now : millis(to);
  return <span className="whitespace-nowrap tabular-nums">{length(Math.max(0, end - millis(from)))}</span>;
}
