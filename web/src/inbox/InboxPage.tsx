import { Link } from "react-router";
import { useRuns } from "../api/queries";
import type { Run } from "../api/types";
import { namespaceOf } from "../runs/RunsPage";
import { useRights } from "../lib/rights";
import { count } from "../lib/words";
import { Empty, Loading, Wrong } from "../ui/Notice";
import { Page, Part } from "../ui/Page";
import { State } from "../ui/State";
import { Ago } from "../ui/Time";

/** What waits for somebody: approvals, interrupted actions, paused and parked runs. */
export function InboxPage() {
  const { may, namespaces } = useRights();
  const runs = useRuns(may("view", "Run") ? "" : (namespaces[0] ?? "default"), { status: "awaitingApproval,running,paused,submitted", limit: 1000 }, 3_000);
  if (runs.isError) return <Page title="Inbox"><Wrong error={runs.error} again={() => void runs.refetch()} /></Page>;
  if (!runs.data) return <Loading what="what waits" />;
  const items = runs.data.items;
  const approvals = items.filter((run) => run.status === "awaitingApproval");
  const interrupted = items.filter((run) => run.asked?.length);
  const paused = items.filter((run) => run.status === "paused" && !run.asked?.length);
  const troubled = items.filter((run) => run.trouble && !run.asked?.length && run.status !== "paused");
  const isEmpty = approvals.length + interrupted.length + paused.length + troubled.length === 0;
  return (
    <Page title="Inbox">
      {isEmpty ? (
        <div className="card">
          <Empty title="Nothing waits for anybody">
            Approvals, actions whose end nobody knows, paused runs and runs in trouble come here by themselves.
          </Empty>
        </div>
      ) : null}
      <List title="To be approved" runs={approvals} says={(run) => `${run.approval?.by?.length ?? 0} of ${run.approval?.quorum ?? 1} agreed, until ${run.approval?.until ?? ""}`} act="Look and decide" />
      <List title="To be settled" runs={interrupted} says={(run) => `${count(run.asked?.length ?? 0, "action")} of which nobody knows the end: ${run.asked?.slice(0, 3).join(", ")}`} act="Settle" />
      <List title="Paused" runs={paused} says={(run) => run.trouble ?? "nothing new begins until somebody resumes it"} act="Look" />
      <List title="In trouble" runs={troubled} says={(run) => run.trouble ?? ""} act="Look" />
    </Page>
  );
}

function List({ title, runs, says, act }: { title: string; runs: Run[]; says: (run: Run) => string; act: string }) {
  if (runs.length === 0) return null;
  return (
    <Part title={`${title} (${runs.length})`}>
      <table className="list">
        <thead><tr><th>State</th><th>Plan</th><th>Namespace</th><th>By</th><th>Submitted</th><th>What</th><th><span className="sr-only">Go</span></th></tr></thead>
        <tbody>
          {runs.map((run) => (
            <tr key={run.id}>
              <td><State state={run.asked?.length ? "asked" : run.status} /></td>
              <td className="font-medium">{run.plan}</td>
              <td>{namespaceOf(run)}</td>
              <td>{run.user}</td>
              <td><Ago at={run.submittedAt} /></td>
              <td className="max-w-xl">{says(run)}</td>
              <td><Link className="link" to={`/n/${namespaceOf(run)}/runs/${run.id}`}>{act}</Link></td>
            </tr>
          ))}
        </tbody>
      </table>
    </Part>
  );
}
