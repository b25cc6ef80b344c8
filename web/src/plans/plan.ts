/** Plans as pages look at them. */
import type { Thing } from "../api/types";

export interface Action {
  name: string;
  use: string;
  with?: unknown;
  when?: unknown;
  undo?: Action;
  [key: string]: unknown;
}

export interface Block {
  name: string;
  targets?: Record<string, unknown>;
  sequence?: Action[] | { actions: Action[] };
  sequences?: { name: string; actions: Action[] }[];
  concurrency?: number | string;
  failures?: unknown;
  batches?: unknown;
  canary?: unknown;
  soak?: string;
  entranceDelay?: string;
  exitDelay?: string;
  onFailure?: string;
  checks?: Record<string, Action[]>;
  [key: string]: unknown;
}

export interface Param {
  type?: string;
  description?: string;
  default?: unknown;
  required?: boolean;
  enum?: unknown[];
  min?: number;
  max?: number;
  pattern?: string;
  [key: string]: unknown;
}

export interface PlanSpec {
  params?: Record<string, Param>;
  blocks?: Block[];
  stepsets?: Record<string, { blocks?: Block[] }>;
  defaults?: Record<string, unknown>;
  checks?: Record<string, Action[]>;
  deferred?: { name: string; actions: Action[] }[];
  approval?: { quorum?: number; expires?: string };
  [key: string]: unknown;
}

export type Plan = Thing<PlanSpec>;

export const SLOTS = ["bypass", "pre", "continuous", "post", "deferred"] as const;

/** The blocks of a step set. */
export function blocksOf(spec: PlanSpec, stepSet: string): Block[] {
  return (stepSet === "default" ? spec.blocks : spec.stepsets?.[stepSet]?.blocks) ?? spec.blocks ?? [];
}

export function stepSets(spec: PlanSpec): string[] {
  return ["default", ...Object.keys(spec.stepsets ?? {}).filter((name) => name !== "default")];
}

/** What is done on each target, or in the first sequence that is written out. */
export function actionsOf(block: Block): Action[] {
  if (Array.isArray(block.sequence)) return block.sequence;
  return block.sequence?.actions ?? block.sequences?.[0]?.actions ?? [];
}

/** Whom a block works on, in a line. */
export function targetsIn(block: Block): string {
  const { targets } = block;
  if (!targets) return block.sequences ? `${block.sequences.length} sequences` : "here";
  const parts = Object.entries(targets).map(([key, value]) =>
    `${key}: ${Array.isArray(value) ? value.slice(0, 6).join(", ") + (value.length > 6 ? ", …" : "") : String(typeof value === "object" ? JSON.stringify(value) : value)}`,
  );
  return parts.join("; ");
}

/** The limits of a block, in a line. */
export function limitsIn(block: Block): string[] {
  const said: string[] = [`${block.concurrency ?? 1} at once`];
  const { failures } = block;
  if (failures !== undefined) {
    const max = typeof failures === "object" && failures !== null ? (failures as { max?: unknown; strict?: boolean }) : { max: failures };
    said.push(`${String(max.max)} may fail${max.strict ? " (strict)" : ""}`);
  } else said.push("none may fail");
  if (block.canary !== undefined) said.push(`canary ${typeof block.canary === "object" ? JSON.stringify(block.canary) : String(block.canary)}`);
  if (block.batches !== undefined) said.push(`batches ${Array.isArray(block.batches) ? block.batches.join(", ") : JSON.stringify(block.batches)}`);
  if (block.soak) said.push(`soak ${block.soak}`);
  if (block.onFailure) said.push(`on failure: ${typeof block.onFailure === "string" ? block.onFailure : JSON.stringify(block.onFailure)}`);
  return said;
}
