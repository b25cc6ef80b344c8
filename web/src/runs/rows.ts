/** What a timeline shows of a board: a row for each block and for what is in and around it. */
import type { Board, BoardPart, Element } from "../api/types";
import { count } from "../lib/words";
import type { Span } from "./scale";

export interface Segment extends Span {
  state: string;
  kind: "block" | "batch" | "wait" | "check" | "work" | "attempt";
  title: string;
  address: string;
}

export interface Row {
  label: string;
  depth: number;
  address: string;
  segments: Segment[];
}

/** The rows of a board, and under its block those of a target that is looked at; what goes on ends now. */
export function rows(board: Board, now: number, target: readonly Element[] = []): Row[] {
  const found: Row[] = [];
  const before = board.checks.filter((part) => part.slot !== "post" && part.slot !== "deferred");
  const after = board.checks.filter((part) => part.slot === "post" || part.slot === "deferred");
  found.push(...parts(before, "plan", 0, now));
  for (const block of board.blocks) {
    const own: Segment[] = [];
    if (block.began != null) {
      const [from, to] = [block.began, block.ended ?? now];
      own.push({ from, to, state: block.state, kind: "block", title: block.name, address: block.address });
    }
    found.push({ label: block.name, depth: 0, address: block.address, segments: own });
    const batches = block.batches.map((batch): Segment => {
      const name = batch.canary ? "canary" : `batch ${batch.n}`;
      const state = batch.ended == null ? "running" : batch.failed > 0 ? "failed" : "succeeded";
      const title = `${name}: ${batch.size} sequences${batch.failed > 0 ? `, ${batch.failed} failed` : ""}`;
      return { from: batch.began, to: batch.ended ?? now, state, kind: "batch", title, address: block.address };
    });
    const waits = block.waits.map((wait): Segment => {
      const to = Math.min(wait.until, Math.max(now, wait.from));
      return { from: wait.from, to, state: "paused", kind: "wait", title: wait.wait, address: block.address };
    });
    if (batches.length + waits.length > 0) {
      found.push({ label: "batches", depth: 1, address: block.address, segments: [...batches, ...waits] });
    }
    if (block.retries.length > 0) {
      const segments = block.retries.map((retries): Segment => {
        const [to, title] = [retries.ended ?? now, count(retries.actions, "action")];
        return { from: retries.began, to, state: "retrying", kind: "attempt", title, address: block.address };
      });
      found.push({ label: "retries", depth: 1, address: block.address, segments });
    }
    found.push(...parts(block.checks, block.name, 1, now));
    if (target[0]?.address.startsWith(`${block.address}/`)) found.push(...attempts(target, now));
  }
  found.push(...parts(after, "plan", 0, now));
  found.push(...parts(board.deferred, "deferred", 0, now));
  return found;
}

function parts(all: readonly BoardPart[], of: string, depth: number, now: number): Row[] {
  const slots = new Map<string, BoardPart[]>();
  for (const part of all) slots.set(part.slot, [...(slots.get(part.slot) ?? []), part]);
  return [...slots].map(([slot, [own, ...inner]]) => {
    const begun = [own, ...inner].filter((part): part is BoardPart => part?.began != null);
    const segments = begun.map(
      (part): Segment => ({
        from: part.began ?? 0,
        to: part.ended ?? now,
        state: part.state,
        kind: "check",
        title: `${part.address}${(part.rounds ?? 0) > 1 ? ` (${part.rounds} rounds)` : ""}`,
        address: part.address,
      }),
    );
    return { label: depth > 0 || of === "deferred" ? slot : `${slot} checks`, depth, address: own?.address ?? "", segments };
  });
}

/** A row for a target, and one for each of its actions with an attempt as a segment each. */
function attempts([own, ...parts]: readonly Element[], now: number): Row[] {
  if (!own) return [];
  const segment = (from: number, to: number | null | undefined, state: string, title: string, address: string, kind: Segment["kind"]): Segment => ({
    from,
    to: to ?? now,
    state,
    kind,
    title,
    address,
  });
  const name = own.address.slice(own.address.indexOf("/") + 1);
  const whole = own.began == null ? [] : [segment(own.began, own.ended, own.state, own.address, own.address, "batch")];
  const inner = [...(own.attempts?.length ? [own] : []), ...parts].map((part): Row => {
    const all = part.attempts ?? [];
    const segments = all.map((attempt) => {
      const state = attempt.error ? "failed" : attempt.ended == null ? "running" : attempt.changed ? "changed" : "succeeded";
      const title = `${part.address} attempt ${attempt.n}${attempt.error ? `: ${attempt.error.message}` : ""}`;
      return segment(attempt.began, attempt.ended, state, title, own.address, "attempt");
    });
    const label = part === own ? name : part.address.slice(own.address.length + 1);
    return { label: all.length > 1 ? `${label} ×${all.length}` : label, depth: 2, address: own.address, segments };
  });
  return [{ label: name, depth: 1, address: own.address, segments: whole }, ...inner.filter((row) => row.segments.length > 0)];
}
