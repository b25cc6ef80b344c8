import { type ReactNode, useState } from "react";
import { Link } from "react-router";
import { useRuns } from "../api/queries";
import type { Run } from "../api/types";
import { namespaceOf } from "../runs/RunsPage";
import { useRights } from "../lib/rights";
import { count } from "../lib/words";
import { Button } from "../ui/Button";
import { Empty, Loading, Wrong } from "../ui/Notice";
import { Page, Part } from "../ui/Page";
import { State } from "../ui/State";
import { Ago, At } from "../ui/Time";
import { Decide } from "./Decide";

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
      <Approvals runs={approvals} />
      <List title="To be settled" runs={interrupted} says={(run) => `${count(run.asked?.length ?? 0, "action")} of which nobody knows the end: ${run.asked?.slice(0, 3).join(", ")}`} act="Settle" />
      <List title="Paused" runs={paused} says={(run) => run.trouble ?? "nothing new begins until somebody resumes it"} act="Look" />
      <List title="In trouble" runs={troubled} says={(run) => run.trouble ?? ""} act="Look" />
    </Page>
  );
}

/** What waits for somebody's agreement: one by one, or several at once. */
function Approvals({ runs }: { runs: Run[] }) {
  const { may } = useRights();
  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set());
  const [word, setWord] = useState<"approve" | "reject" | null>(null);
  const [meant, setMeant] = useState<Run[]>([]);
  const open = runs.filter((run) => may("approve", "Run", namespaceOf(run)));
  const chosen = open.filter((run) => picked.has(run.id));
  const begin = (word: "approve" | "reject") => {
    setMeant(chosen);
    setWord(word);
  };
  // What is decided stays open until it is closed, also when nothing waits any more.
  if (runs.length === 0 && word === null) return null;
  return (
    <>
      {runs.length > 0 ? (
        <List
          title="To be approved"
          runs={runs}
          says={(run) => <>{run.approval?.by?.length ?? 0} of {run.approval?.quorum ?? 1} agreed{run.approval ? <>, until <At at={run.approval.until} /></> : null}</>}
          act="Look and decide"
          actions={
            chosen.length > 0 ? (
              <>
                <span className="text-muted">{count(chosen.length, "run")} chosen</span>
                <Button tone="primary" onPress={() => begin("approve")}>Approve {chosen.length} …</Button>
                <Button tone="danger" onPress={() => begin("reject")}>Reject {chosen.length} …</Button>
              </>
            ) : null
          }
          picking={open.length > 0 ? { may: new Set(open.map((run) => run.id)), picked, onPick: setPicked } : undefined}
        />
      ) : null}
      {word ? (
        <Decide
          key={word}
          word={word}
          runs={meant}
          onClose={(left) => {
            setWord(null);
            setPicked(new Set(left.map((run) => run.id)));
          }}
        />
      ) : null}
    </>
  );
}

interface Picking {
  may: ReadonlySet<string>;
  picked: ReadonlySet<string>;
  onPick: (picked: ReadonlySet<string>) => void;
}

function List({
  title,
  runs,
  says,
  act,
  actions,
  picking,
}: {
  title: string;
  runs: Run[];
  says: (run: Run) => ReactNode;
  act: string;
  actions?: ReactNode;
  picking?: Picking | undefined;
}) {
  if (runs.length === 0) return null;
  const pick = (id: string, isOn: boolean) => {
    const next = new Set(picking?.picked);
    if (isOn) next.add(id);
    else next.delete(id);
    picking?.onPick(next);
  };
  const all = picking ? [...picking.may] : [];
  return (
    <Part title={`${title} (${runs.length})`} actions={actions}>
      <table className="list">
        <thead>
          <tr>
            {picking ? (
              <th>
                <input
                  type="checkbox"
                  aria-label="Choose all that wait for you"
                  checked={all.length > 0 && all.every((id) => picking.picked.has(id))}
                  onChange={(event) => picking.onPick(new Set(event.target.checked ? all : []))}
                />
              </th>
            ) : null}
            <th>State</th><th>Plan</th><th>Namespace</th><th>By</th><th>Submitted</th><th>What</th><th><span className="sr-only">Go</span></th>
          </tr>
        </thead>
        <tbody>
          {runs.map((run) => (
            <tr key={run.id}>
              {picking ? (
                <td>
                  <input
                    type="checkbox"
                    aria-label={`Choose run ${run.id}`}
                    checked={picking.picked.has(run.id)}
                    disabled={!picking.may.has(run.id)}
                    onChange={(event) => pick(run.id, event.target.checked)}
                  />
                </td>
              ) : null}
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
