// Figures beside their goals.

/** A share of sorted numbers. */
export function quantile(numbers, share) {
  const sorted = [...numbers].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export const median = (numbers) => quantile(numbers, 0.5);

const text = (number) => (Number.isInteger(number) ? String(number) : number.toFixed(number < 10 ? 2 : 1));

/** Some that were missed make the whole fail. */
export class Figures {
  missed = 0;

  /** A number, with the goal that it must not be above, if there is one. */
  say(name, number, unit, goal) {
    const isMet = goal === undefined || number <= goal;
    if (!isMet) this.missed += 1;
    const beside = goal === undefined ? "" : `goal ≤ ${goal} ${unit}`.padEnd(20) + (isMet ? "met" : "MISSED");
    console.log(`  ${name.padEnd(64)} ${text(number).padStart(9)} ${unit.padEnd(6)} ${beside}`.trimEnd());
  }

  title(words) {
    console.log(`\n${words}`);
  }

  /** Times of pictures: how long each was on the screen. The rate of the screen is 60 a second. */
  frames(name, frames, dropped, goal = 33) {
    this.say(`${name}: p50 of ${frames.length} frames`, median(frames), "ms");
    this.say(`${name}: p99`, quantile(frames, 0.99), "ms", goal);
    this.say(`${name}: the longest`, Math.max(...frames), "ms");
    const late = frames.filter((one) => one > goal).length;
    this.say(`${name}: over ${goal} ms`, (100 * late) / frames.length, "%", 1);
    if (dropped) this.say(`${name}: dropped by Chromium's own trace, of ${dropped.all}`, dropped.dropped, "frames");
    if (dropped) this.say(`${name}: the longest task of the page's thread`, dropped.longest, "ms");
  }
}
