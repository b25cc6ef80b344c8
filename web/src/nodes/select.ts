/** Nodes by what is typed: names and patterns, `@group`, `label:key=value`, `state:away`, each with `!` for what is not meant. */
import type { AgentView, Thing } from "../api/types";

export type Node = Thing<
  { addresses?: string[] | string; groups?: string[]; parent?: string; roles?: string[]; transport?: Record<string, unknown>; vars?: Record<string, unknown>; active?: boolean },
  { agent?: { state?: string; reach?: string; since?: string; address?: string; version?: string; host?: string; system?: string }; facts?: Record<string, unknown>; factsAt?: string } | null
>;

export type Group = Thing<{ nodes?: string[]; labels?: string; parent?: string; priority?: number; vars?: Record<string, unknown> }>;

function matches(pattern: string, name: string): boolean {
  const text = pattern.replace(/[.+^${}()|\\]/g, "\\$&").replaceAll("*", ".*").replaceAll("?", ".");
  try {
    return new RegExp(`^${text}$`).test(name);
  } catch {
    return pattern === name;
  }
}

/** The groups that a node is in, by its own word and by those that name it, with those around them. */
export function groupsOf(node: Node, groups: readonly Group[]): Set<string> {
  const found = new Set<string>(node.spec.groups ?? []);
  for (const group of groups) {
    if (group.spec.nodes?.some((pattern) => matches(pattern, node.metadata.name))) found.add(group.metadata.name);
  }
  for (const name of found) {
    const parent = groups.find((group) => group.metadata.name === name)?.spec.parent;
    if (parent) found.add(parent);
  }
  return found;
}

export function select(nodes: readonly Node[], groups: readonly Group[], text: string): Node[] {
  const terms = text.split(/[\s,]+/).filter(Boolean);
  if (terms.length === 0) return [...nodes];
  const is = (node: Node, term: string): boolean => {
    if (term.startsWith("@")) return [...groupsOf(node, groups)].some((group) => matches(term.slice(1), group));
    if (term.startsWith("label:")) {
      const [key = "", value] = term.slice(6).split("=");
      const own = node.metadata.labels?.[key];
      return own !== undefined && (value === undefined || matches(value, own));
    }
    if (term.startsWith("state:")) return (node.status?.agent?.state ?? "none") === term.slice(6);
    return term.includes("*") || term.includes("?") ? matches(term, node.metadata.name) : node.metadata.name.includes(term);
  };
  const wanted = terms.filter((term) => !term.startsWith("!"));
  const not = terms.filter((term) => term.startsWith("!")).map((term) => term.slice(1));
  return nodes.filter((node) => (wanted.length === 0 || wanted.some((term) => is(node, term))) && !not.some((term) => is(node, term)));
}

export const REACHED: Record<string, string> = {
  agentDown: "its machine answers, its agent does not",
  unreachable: "other agents reach it, the server does not",
  down: "its machine answers nobody",
  unknown: "nobody else could be asked",
};

export function stateOf(node: Node, agent: AgentView | undefined): string {
  return agent?.state ?? node.status?.agent?.state ?? "";
}
