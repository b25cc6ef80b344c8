/** Times as people read them: how long ago, how long, and exactly. */

const UNITS: [string, number][] = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1_000],
];

/** A length of time in two units at the most: `2 h 5 min`, `850 ms`. */
export function length(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  const parts: string[] = [];
  let rest = Math.round(ms / 1000) * 1000;
  for (const [unit, of] of UNITS) {
    const count = Math.floor(rest / of);
    if (count > 0) parts.push(`${count} ${unit}`);
    rest -= count * of;
    if (parts.length === 2) break;
    if (parts.length === 1 && count === 0) break;
  }
  return parts.join(" ");
}

/** How long ago, or until when. */
export function ago(at: number, now: number): string {
  const ms = now - at;
  if (Math.abs(ms) < 2000) return "now";
  return ms > 0 ? `${coarse(ms)} ago` : `in ${coarse(-ms)}`;
}

function coarse(ms: number): string {
  const [unit, of] = UNITS.find(([, of]) => ms >= of) ?? ["s", 1000];
  return `${Math.max(1, Math.floor(ms / of))} ${unit}`;
}

const two = (n: number) => String(Math.floor(Math.abs(n))).padStart(2, "0");

/** Written by hand: asking the browser's formatter for each of a thousand times a second would take longer than all else. */
function ofDay(date: Date): string {
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** The time of day, with the date where it is not today's. */
export function clock(at: number, now: number = Date.now()): string {
  const date = new Date(at);
  return day(at) === day(now) ? ofDay(date) : `${day(at)} ${ofDay(date)}`;
}

/** The date. */
export function day(at: number): string {
  const date = new Date(at);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

let zone: string | undefined;

/** Exactly, with the zone. */
export function exact(at: number): string {
  zone ??= Intl.DateTimeFormat().resolvedOptions().timeZone;
  const date = new Date(at);
  const offset = -date.getTimezoneOffset();
  const ms = String(date.getMilliseconds()).padStart(3, "0");
  return `${day(at)} ${ofDay(date)}.${ms} ${offset < 0 ? "-" : "+"}${two(offset / 60)}:${two(offset % 60)} (${zone})`;
}

/** Since the beginning of something, as a clock: `0:03.2`, `1:02:07`. */
export function since(ms: number): string {
  const whole = Math.floor(ms / 1000);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (h > 0) return `${h}:${two(m)}:${two(s)}`;
  return ms < 60_000 ? `${m}:${two(s)}.${Math.floor((ms % 1000) / 100)}` : `${m}:${two(s)}`;
}
