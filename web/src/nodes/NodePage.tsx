import { Link, useParams } from "react-router";
import { useRuns, useThing, useThings } from "../api/queries";
import { useRights } from "../lib/rights";
import { namespaceOf } from "../runs/RunsPage";
import { useNamespace } from "../app/Shell";
import { Empty, Loading, Wrong } from "../ui/Notice";
import { Page, Part } from "../ui/Page";
import { State } from "../ui/State";
import { Ago } from "../ui/Time";
import { Blame } from "./Blame";
import { Lock } from "./Lock";
import { AgentState } from "./NodesPage";
import { type Group, groupsOf, type Node } from "./select";

/** A node: whether it is there, what it reports, whose variables count, and what was done to it. */
export function NodePage() {
  const { node: name = "" } = useParams();
  const node = useThing<Node>("nodes", name);
  const groups = useThings<Group>("nodegroups").data ?? [];
  const { may } = useRights();
  const ns = useNamespace();
  const runs = useRuns(may("view", "Run") && ns === "~" ? "" : ns === "~" ? "default" : ns, { node: name, limit: 50 }, 10_000);
  if (node.isError) return <Page title={name}><Wrong error={node.error} again={() => void node.refetch()} /></Page>;
  if (!node.data) return <Loading what={name} />;
  const { spec, status, metadata } = node.data;
  const facts = Object.entries(status?.facts ?? {});
  return (
    <Page title={name} actions={<AgentState node={node.data} />}>
      <Part title="What it is">
        <dl className="grid grid-cols-[repeat(auto-fill,minmax(240px,1fr))] gap-x-6 gap-y-2 px-4 py-3">
          <Fact name="Groups">{[...groupsOf(node.data, groups)].join(", ") || "–"}</Fact>
          <Fact name="Labels">{Object.entries(metadata.labels ?? {}).map(([key, value]) => `${key}=${value}`).join(", ") || "–"}</Fact>
          <Fact name="Addresses">{([] as string[]).concat(spec.addresses ?? []).join(", ") || "–"}</Fact>
          <Fact name="Reached by">{String(spec.transport?.["use"] ?? "ssh")}</Fact>
          <Fact name="Agent seen at">{status?.agent?.address ?? "–"}</Fact>
          <Fact name="Agent version">{status?.agent?.version ?? "–"}</Fact>
          <Fact name="Its machine calls itself">{status?.agent?.host ?? "–"}</Fact>
          <Fact name="Part of">{spec.parent ? <Link className="link" to={`/nodes/${spec.parent}`}>{spec.parent}</Link> : "–"}</Fact>
        </dl>
      </Part>
      <Part title="Its lock" actions={<span className="text-muted">one sequence of one run at a time</span>}>
        <Lock node={name} />
      </Part>
      <Part title="Facts" actions={status?.factsAt ? <span className="text-muted">reported <Ago at={status.factsAt} /></span> : null}>
        {facts.length === 0 ? (
          <Empty title="It has reported no facts">A node with an agent reports them by itself; of others, <code className="mono">windlass nodes facts</code> asks.</Empty>
        ) : (
          <table className="list">
            <tbody>
              {facts.map(([key, value]) => (
                <tr key={key}>
                  <th scope="row" className="w-52">{key}</th>
                  <td className="mono whitespace-pre-wrap">{typeof value === "object" ? JSON.stringify(value, null, 1) : String(value)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Part>
      <Part title="Variables, and whose they are">
        <Blame namespace={ns === "~" ? "default" : ns} node={name} />
      </Part>
      <Part title="Runs over it">
        <NodeRuns runs={runs.data?.items ?? []} />
      </Part>
    </Page>
  );
}

function NodeRuns({ runs }: { runs: import("../api/types").Run[] }) {
  if (runs.length === 0) return <Empty title="No runs">None had it among its targets, of those that were looked through.</Empty>;
  return (
    <table className="list">
      <thead><tr><th>State</th><th>Plan</th><th>Namespace</th><th>By</th><th>When</th></tr></thead>
      <tbody>
        {runs.map((run) => (
          <tr key={run.id}>
            <td><State state={run.status} /></td>
            <td><Link className="link" to={`/n/${namespaceOf(run)}/runs/${run.id}`}>{run.plan}</Link></td>
            <td>{namespaceOf(run)}</td>
            <td>{run.user}</td>
            <td><Ago at={run.submittedAt} /></td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div>
      <dt className="text-xs text-muted">{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
