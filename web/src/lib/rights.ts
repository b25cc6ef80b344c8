import { useMe } from "../api/queries";

export interface Rights {
  /** Whether something may be done in a namespace, or to what is of the whole cluster. */
  may(verb: string, kind: string, namespace?: string): boolean;
  /** The namespaces that may be looked into. */
  namespaces: string[];
  user: string;
}

/** What whoever looks may do: buttons that would be refused are not shown. */
export function useRights(): Rights {
  const me = useMe().data;
  const rights = me?.rights ?? {};
  return {
    may: (verb, kind, namespace = "") => (rights[namespace] ?? []).includes(`${verb} ${kind}`),
    namespaces: Object.keys(rights).filter((name) => name !== ""),
    user: me?.user ?? "",
  };
}
