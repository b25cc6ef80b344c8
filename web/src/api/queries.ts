/** What pages ask for, and how long it is good. */
import { QueryClient, queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ask, path, Problem } from "./client";
import type { AgentPage, AuditPage, Board, ElementPage, Me, NodeLock, RunPage, Thing, ThingPage, Version } from "./types";

export const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 2_000,
      retry: (times, error) => times < 3 && error instanceof Problem && (error.status === 0 || error.status === 503),
      refetchOnWindowFocus: true,
      refetchOnReconnect: true,
      // A browser that takes itself for offline asks all the same, so that what is old is said to be.
      networkMode: "always",
    },
  },
});

export function useMe() {
  return useQuery({ queryKey: ["me"], queryFn: () => ask<Me>(path(["me"])), staleTime: 30_000 });
}

export function useVersion() {
  return useQuery({ queryKey: ["version"], queryFn: () => ask<Version>(path(["version"])), staleTime: 60_000 });
}

export interface RunFilter {
  status?: string | undefined;
  plan?: string | undefined;
  labels?: string | undefined;
  text?: string | undefined;
  group?: string | undefined;
  user?: string | undefined;
  since?: string | undefined;
  until?: string | undefined;
  node?: string | undefined;
  cursor?: string | undefined;
  limit?: number | undefined;
}

/** Runs of a namespace, or of all of them. */
export function runsPath(namespace: string, filter: RunFilter): string {
  const parts = namespace === "" ? ["runs"] : ["namespaces", namespace, "runs"];
  return path(parts, { ...filter });
}

export function useRuns(namespace: string, filter: RunFilter, every: number | false = 2_000) {
  return useQuery({
    queryKey: ["runs", namespace, filter],
    queryFn: () => ask<RunPage>(runsPath(namespace, filter)),
    refetchInterval: every,
    placeholderData: (before) => before,
  });
}

/** A run as it is drawn. */
export function boardQuery(namespace: string, run: string) {
  return queryOptions({
    queryKey: ["board", namespace, run],
    queryFn: () => ask<Board>(path(["namespaces", namespace, "runs", run, "board"])),
    staleTime: Number.POSITIVE_INFINITY,
  });
}

export function useBoard(namespace: string, run: string) {
  return useQuery(boardQuery(namespace, run));
}

export function useElements(namespace: string, run: string, under: string, seq: number) {
  return useQuery({
    queryKey: ["elements", namespace, run, under, seq],
    queryFn: () => ask<ElementPage>(path(["namespaces", namespace, "runs", run, "elements"], { under })),
    enabled: under !== "",
    placeholderData: (before, query) => (query?.queryKey[3] === under ? before : undefined),
  });
}

/** Who has the lock of a node, and who waits for it. */
export function useLock(node: string) {
  return useQuery({
    queryKey: ["lock", node],
    queryFn: () => ask<NodeLock>(path(["nodes", node, "lock"])),
    refetchInterval: 2_000,
  });
}

/** The path of the objects of a kind. */
export function kindPath(plural: string, namespace?: string): string[] {
  return namespace === undefined ? [plural] : ["namespaces", namespace, plural];
}

/** All objects of a kind, a page after the other, up to a few thousand. */
export function useThings<T = Thing>(plural: string, namespace?: string, labels?: string, enabled = true) {
  return useQuery({
    enabled,
    queryKey: ["things", plural, namespace ?? "", labels ?? ""],
    queryFn: async () => {
      const items: T[] = [];
      let cursor: string | undefined;
      do {
        const page: ThingPage<T> = await ask(path(kindPath(plural, namespace), { limit: 1000, cursor, labels }));
        items.push(...page.items);
        cursor = page.next ?? undefined;
      } while (cursor && items.length < 20_000);
      return items;
    },
    refetchInterval: 10_000,
  });
}

export function useThing<T = Thing>(plural: string, name: string, namespace?: string, enabled = true) {
  return useQuery({
    enabled,
    queryKey: ["thing", plural, namespace ?? "", name],
    queryFn: () => ask<T>(path([...kindPath(plural, namespace), name])),
  });
}

export function useAgents(enabled = true) {
  return useQuery({
    enabled,
    queryKey: ["agents"],
    queryFn: async () => {
      const items: AgentPage["items"] = [];
      let cursor: string | undefined;
      do {
        const page: AgentPage = await ask(path(["agents"], { limit: 1000, cursor }));
        items.push(...page.items);
        cursor = page.next ?? undefined;
      } while (cursor && items.length < 20_000);
      return items;
    },
    refetchInterval: 10_000,
  });
}

export function useAudit(before?: number) {
  return useQuery({
    queryKey: ["audit", before ?? 0],
    queryFn: () => ask<AuditPage>(path(["audit"], { limit: 200, before })),
    placeholderData: (old) => old,
  });
}

/** Something that is changed; whatever may show it is asked again. */
export function useChange<V, R = unknown>(change: (value: V) => Promise<R>) {
  const queries = useQueryClient();
  return useMutation<R, Problem, V>({
    mutationFn: change,
    onSuccess: () => queries.invalidateQueries(),
  });
}

/** Applies an object, as `windlass apply` does. */
export function apply(plural: string, name: string, document: unknown, namespace?: string): Promise<unknown> {
  const at = path([...kindPath(plural, namespace), name]);
  return ask(at, { method: "PATCH", body: document, media: "application/apply+json" });
}
