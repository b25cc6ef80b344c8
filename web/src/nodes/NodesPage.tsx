import { useMemo, useState } from "react";
import { Link, useSearchParams } from "react-router";
import { useThings } from "../api/queries";
import { count } from "../lib/words";
import { Button } from "../ui/Button";
import { Copy } from "../ui/Copy";
import { Text } from "../ui/Field";
import { Empty, Loading, Wrong } from "../ui/Notice";
import { Page } from "../ui/Page";
import { Ago } from "../ui/Time";
import { type Group, groupsOf, type Node, REACHED, select } from "./select";

const PAGE = 200;

/** The nodes that there are, chosen by what is typed or clicked. */
export function NodesPage() {
  const nodes = useThings<Node>("nodes");
  const groups = useThings<Group>("nodegroups");
  const [asked, setAsked] = useSearchParams();
  const [most, setMost] = useState(PAGE);
  const text = asked.get("select") ?? "";
  const set = (value: string) => setAsked(value ? { select: value } : {}, { replace: true });
  const all = groups.data ?? [];
  const found = useMemo(() => select(nodes.data ?? [], all, text), [nodes.data, all, text]);
  const labels = useMemo(() => labelsOf(nodes.data ?? []), [nodes.data]);
  const toggle = (term: string) => {
    const terms = text.split(/[\s,]+/).filter(Boolean);
    set((terms.includes(term) ? terms.filter((one) => one !== term) : [...terms, term]).join(" "));
  };
  const selection = text.split(/[\s,]+/).filter((term) => term && !term.startsWith("state:")).join(",");
  return (
    <Page title="Nodes" actions={<Copy text={`windlass nodes select ${JSON.stringify(selection || "*")} --context NAME`} label="Copy as command" />}>
      <div className="flex flex-col gap-4 lg:flex-row">
        <aside className="w-full shrink-0 lg:w-64" aria-label="Groups and labels">
          <div className="card px-3 py-2">
            <h2 className="font-semibold">Groups</h2>
            {all.length === 0 ? <p className="text-muted">There are none.</p> : <Tree groups={all} parent={undefined} at={text} onPick={(name) => toggle(`@${name}`)} />}
            {Object.entries(labels).map(([label, values]) => (
              <details key={label} className="mt-2">
                <summary className="cursor-pointer font-medium">{label}</summary>
                <div className="flex flex-wrap gap-1 py-1">
                  {values.map((value) => (
                    <Term key={value} term={`label:${label}=${value}`} text={value} at={text} onPick={toggle} />
                  ))}
                </div>
              </details>
            ))}
            <h2 className="mt-3 font-semibold">Agents</h2>
            <div className="flex flex-wrap gap-1 py-1">
              {["connected", "away", "revoked"].map((state) => (
                <Term key={state} term={`state:${state}`} text={state} at={text} onPick={toggle} />
              ))}
            </div>
          </div>
        </aside>
        <div className="min-w-0 flex-1">
          <div className="mb-3 flex items-end gap-3">
            <div className="max-w-xl flex-1">
              <Text label="Selection" isHidden type="search" placeholder="web*, @group, label:rack=r2, !db*" value={text} onChange={(event) => set(event.target.value)} className="w-full" />
            </div>
            <span className="pb-1 text-muted">{count(found.length, "node")}</span>
          </div>
          {nodes.isError ? <Wrong error={nodes.error} again={() => void nodes.refetch()} /> : null}
          {nodes.isPending ? <Loading what="nodes" /> : null}
          {nodes.data ? (
            <div className="card overflow-x-auto">
              {found.length === 0 ? (
                <Empty title={nodes.data.length === 0 ? "No nodes yet" : "No node is chosen by that"}>
                  Let an agent join, <code className="mono">windlass agents token NAME</code>, or apply Nodes from a file.
                </Empty>
              ) : (
                <table className="list">
                  <thead><tr><th>Node</th><th>Agent</th><th>Groups</th><th>Labels</th><th>Address</th><th>System</th></tr></thead>
                  <tbody>
                    {found.slice(0, most).map((node) => (
                      <tr key={node.metadata.name}>
                        <td><Link className="link mono" to={`/nodes/${encodeURIComponent(node.metadata.name)}`}>{node.metadata.name}</Link></td>
                        <td><AgentState node={node} /></td>
                        <td>{[...groupsOf(node, all)].join(", ")}</td>
                        <td className="text-muted">{Object.entries(node.metadata.labels ?? {}).map(([key, value]) => `${key}=${value}`).join(" ")}</td>
                        <td className="mono">{node.status?.agent?.address ?? ([] as string[]).concat(node.spec.addresses ?? []).join(" ")}</td>
                        <td className="text-muted">{node.status?.agent?.system ?? ""}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              )}
            </div>
          ) : null}
          {found.length > most ? <Button className="mt-3" onPress={() => setMost(most + PAGE)}>Show more</Button> : null}
        </div>
      </div>
    </Page>
  );
}

export function AgentState({ node }: { node: Node }) {
  const agent = node.status?.agent;
  if (!agent?.state) return <span className="text-muted">{String(node.spec.transport?.["use"] ?? "ssh")}</span>;
  const colour = agent.state === "connected" ? "text-ok" : agent.state === "away" ? "text-bad" : "text-stop";
  return (
    <span title={agent.reach ? REACHED[agent.reach] : undefined}>
      <span className={`font-medium ${colour}`}>
        <span aria-hidden>{agent.state === "connected" ? "● " : "○ "}</span>
        {agent.state}
      </span>{" "}
      {agent.state !== "connected" && agent.since ? <span className="text-muted"><Ago at={agent.since} /></span> : null}
      {agent.reach ? <div className="text-sm text-muted">{REACHED[agent.reach]}</div> : null}
    </span>
  );
}

function Term({ term, text, at, onPick }: { term: string; text: string; at: string; onPick: (term: string) => void }) {
  const isOn = at.split(/[\s,]+/).includes(term);
  return (
    <button type="button" aria-pressed={isOn} onClick={() => onPick(term)} className={`cursor-pointer rounded border px-1.5 text-sm ${isOn ? "border-accent bg-accent-soft text-accent" : "border-line hover:bg-raised"}`}>
      {text}
    </button>
  );
}

function Tree({ groups, parent, at, onPick }: { groups: Group[]; parent: string | undefined; at: string; onPick: (name: string) => void }) {
  const own = groups.filter((group) => (group.spec.parent ?? undefined) === parent);
  if (own.length === 0) return null;
  return (
    <ul className={parent === undefined ? "" : "border-l border-line pl-3"}>
      {own.map((group) => (
        <li key={group.metadata.name}>
          <Term term={`@${group.metadata.name}`} text={group.metadata.name} at={at} onPick={() => onPick(group.metadata.name)} />
          <Tree groups={groups} parent={group.metadata.name} at={at} onPick={onPick} />
        </li>
      ))}
    </ul>
  );
}

function labelsOf(nodes: readonly Node[]): Record<string, string[]> {
  const found = new Map<string, Set<string>>();
  for (const node of nodes) {
    for (const [key, value] of Object.entries(node.metadata.labels ?? {})) {
      found.set(key, (found.get(key) ?? new Set()).add(value));
    }
  }
  return Object.fromEntries([...found].filter(([, values]) => values.size <= 40).map(([key, values]) => [key, [...values].sort()]));
}
