import { useParams } from "react-router";
import { useThings } from "../api/queries";
import type { Thing } from "../api/types";
import { count, grouped } from "../lib/words";
import { Empty, Loading, Wrong } from "../ui/Notice";
import { Page } from "../ui/Page";

type Budget = Thing<
  { description?: string; targets: Record<string, unknown>; most?: number | string; healthy?: number | string },
  { most: number; atWork: number; runsWaiting: number } | null
>;

/** How many nodes all runs together may work on at a time, and how many they do. */
export function BudgetsPage() {
  const { ns = "~" } = useParams();
  const budgets = useThings<Budget>("budgets", ns === "~" ? undefined : ns);
  return (
    <Page title="Budgets">
      {budgets.isError ? <Wrong error={budgets.error} again={() => void budgets.refetch()} /> : null}
      {budgets.isPending ? <Loading what="budgets" /> : null}
      {budgets.data ? (
        <div className="card overflow-x-auto">
          {budgets.data.length === 0 ? (
            <Empty title="No budgets">
              A budget says how many of some nodes all runs together may work on at a time. Runs that would be too many wait for their turn:{" "}
              <code className="mono">windlass apply budget.yaml</code>
            </Empty>
          ) : (
            <table className="list">
              <thead><tr><th>Budget</th>{ns === "~" ? <th>Namespace</th> : null}<th>Counts</th><th>Says</th><th>At work</th><th>Waiting</th></tr></thead>
              <tbody>
                {budgets.data.map((budget) => {
                  const { spec, status, metadata } = budget;
                  const [most, at] = [status?.most ?? 0, status?.atWork ?? 0];
                  return (
                    <tr key={metadata.uid}>
                      <td className="font-medium">
                        {metadata.name}
                        <div className="font-normal text-muted">{spec.description}</div>
                      </td>
                      {ns === "~" ? <td>{metadata.namespace}</td> : null}
                      <td className="mono">{JSON.stringify(spec.targets)}</td>
                      <td>
                        {spec.most !== undefined ? `at most ${spec.most}` : ""} {spec.healthy !== undefined ? `at least ${spec.healthy} healthy` : ""}
                      </td>
                      <td className="w-56">
                        <div className="flex items-center gap-2">
                          <meter className="h-2 w-28" min={0} max={Math.max(1, most)} high={Math.max(1, most)} value={at} aria-label={`${at} of ${most} at work`} />
                          <span className={`tabular-nums ${at >= most ? "text-warn" : ""}`}>
                            {grouped(at)} / {grouped(most)}
                          </span>
                        </div>
                      </td>
                      <td>{status?.runsWaiting ? <span className="text-warn">{count(status.runsWaiting, "run")}</span> : "–"}</td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
          )}
        </div>
      ) : null}
    </Page>
  );
}
