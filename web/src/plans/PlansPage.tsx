import { useState } from "react";
import { Link, useParams } from "react-router";
import { useRuns, useThings } from "../api/queries";
import { count } from "../lib/words";
import { Text } from "../ui/Field";
import { Empty, Loading, Wrong } from "../ui/Notice";
import { Page } from "../ui/Page";
import { State } from "../ui/State";
import { Ago } from "../ui/Time";
import { namespaceOf } from "../runs/RunsPage";
import type { Plan } from "./plan";

/** Plans, each with how its last run went. */
export function PlansPage() {
  const { ns = "~" } = useParams();
  const [word, setWord] = useState("");
  const namespace = ns === "~" ? undefined : ns;
  const plans = useThings<Plan>("plans", namespace);
  const runs = useRuns(namespace ?? "", { limit: 500 }, 10_000).data?.items ?? [];
  const shown = (plans.data ?? []).filter((plan) => `${plan.metadata.name} ${description(plan)}`.toLowerCase().includes(word.toLowerCase()));
  const last = (plan: Plan) => runs.find((run) => run.plan === plan.metadata.name && namespaceOf(run) === plan.metadata.namespace);
  return (
    <Page title="Plans">
      <div className="mb-3 max-w-xs">
        <Text label="Search plans" isHidden type="search" placeholder="Search plans" value={word} onChange={(event) => setWord(event.target.value)} />
      </div>
      {plans.isError ? <Wrong error={plans.error} again={() => void plans.refetch()} /> : null}
      {plans.isPending ? <Loading what="plans" /> : null}
      {plans.data ? (
        <div className="card overflow-x-auto">
          {shown.length === 0 ? (
            <Empty title={plans.data.length === 0 ? "No plans yet" : "No plan is called so"}>
              Write one and put it here: <code className="mono">windlass apply plan.yaml --context …</code>
            </Empty>
          ) : (
            <table className="list">
              <thead>
                <tr>
                  <th>Plan</th>
                  {namespace ? null : <th>Namespace</th>}
                  <th>What it does</th>
                  <th>Blocks</th>
                  <th>Last run</th>
                  <th>Changed</th>
                </tr>
              </thead>
              <tbody>
                {shown.map((plan) => {
                  const run = last(plan);
                  return (
                    <tr key={plan.metadata.uid}>
                      <td>
                        <Link className="link font-medium" to={`/n/${plan.metadata.namespace}/plans/${plan.metadata.name}`}>
                          {plan.metadata.name}
                        </Link>
                      </td>
                      {namespace ? null : <td>{plan.metadata.namespace}</td>}
                      <td className="max-w-xl truncate">{description(plan)}</td>
                      <td className="text-muted">{(plan.spec.blocks ?? []).map((block) => block.name).join(" → ") || count(0, "block")}</td>
                      <td>
                        {run ? (
                          <Link className="hover:underline" to={`/n/${namespaceOf(run)}/runs/${run.id}`}>
                            <State state={run.status} /> <span className="text-muted"><Ago at={run.submittedAt} /></span>
                          </Link>
                        ) : (
                          <span className="text-muted">never</span>
                        )}
                      </td>
                      <td>
                        <Ago at={plan.metadata.updatedAt} />
                      </td>
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

export function description(plan: Plan): string {
  return plan.metadata.annotations?.["description"] ?? "";
}
