/** Whether the server is there, by what requests and streams hear of it; and whether this machine has slept. */

/** Who hears nothing, and since when. */
const lost = new Map<unknown, number>();
const listeners = new Set<() => void>();
let since: number | null = null;

function tell(): void {
  const now = lost.size === 0 ? null : Math.min(...lost.values());
  if (now === since) return;
  since = now;
  for (const listener of listeners) listener();
}

/** Somebody hears nothing any more. */
export function isLost(who: unknown): void {
  if (lost.has(who)) return;
  lost.set(who, Date.now());
  tell();
}

/** They do again, or have no use for it. */
export function isFound(who: unknown): void {
  if (lost.delete(who)) tell();
}

/** Since when what is shown may be old; null where it is not. */
export function staleSince(): number | null {
  return since;
}

export function whenReach(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

const EVERY = 1_000;
/** A gap between two looks at the clock that only sleep makes. Where nobody looks, browsers let a minute pass. */
const SLEPT = 10_000;
const SLEPT_HIDDEN = 150_000;
const sleepers = new Set<() => void>();
let last = Date.now();
let wasHidden = false;
let timer: ReturnType<typeof setInterval> | undefined;

function woken(): void {
  for (const sleeper of sleepers) sleeper();
}

function look(): void {
  const now = Date.now();
  const isHidden = document.visibilityState === "hidden";
  if (now - last > (isHidden || wasHidden ? SLEPT_HIDDEN : SLEPT)) woken();
  [last, wasHidden] = [now, isHidden];
}

/**
 * Calls when the machine has woken, or is on the network again. A connection that was open before may be dead without anybody
 * having said so.
 */
export function whenWoken(then: () => void): () => void {
  sleepers.add(then);
  if (timer === undefined) {
    last = Date.now();
    timer = setInterval(look, EVERY);
    window.addEventListener("online", woken);
  }
  return () => {
    sleepers.delete(then);
    if (sleepers.size > 0) return;
    clearInterval(timer);
    timer = undefined;
    window.removeEventListener("online", woken);
  };
}
