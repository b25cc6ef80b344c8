import { Link, useParams, useSearchParams } from "react-router";
import { useRuns, useThing } from "../api/queries";
import { useRights } from "../lib/rights";
import { Button } from "../ui/Button";
import { Choice } from "../ui/Field";
import { Empty, Loading, Wrong } from "../ui/Notice";
import { Page, Part } from "../ui/Page";
import { State } from "../ui/State";
import { Tabs } from "../ui/Tabs";
import { Ago, Took } from "../ui/Time";
import { yaml } from "../lib/yaml";
import { Copy } from "../ui/Copy";
import { type Plan, stepSets } from "./plan";
import { Picture } from "./Picture";
import { description } from "./PlansPage";
import { Revisions } from "./Revisions";
import { StartRun } from "./StartRun";

/** A plan: as a picture, as it is written, as it was, and what became of it. */
export function PlanPage() {
  const { ns: namespace = "", plan: name = "" } = useParams();
  const [asked, setAsked] = useSearchParams();
  const plan = useThing<Plan>("plans", name, namespace);
  const { may } = useRights();
  const set = (key: string, value: string) =>
    setAsked((before) => {
      const next = new URLSearchParams(before);
      if (value === "") next.delete(key);
      else next.set(key, value);
      return next;
    });
  if (plan.isError) return <Page title={name}><Wrong error={plan.error} again={() => void plan.refetch()} /></Page>;
  if (!plan.data) return <Loading what={name} />;
  const { spec } = plan.data;
  const stepSet = asked.get("stepSet") ?? "default";
  return (
    <Page
      title={name}
      actions={
        <>
          {stepSets(spec).length > 1 ? (
            <Choice label="Step set" isHidden value={stepSet} onChange={(event) => set("stepSet", event.target.value)} of={stepSets(spec).map((one) => [one, one] as const)} />
          ) : null}
          <Link className="rounded-md border border-strong bg-panel px-3 py-1 font-medium hover:bg-raised" to={`rehearse${stepSet === "default" ? "" : `?stepSet=${stepSet}`}`}>
            Rehearse
          </Link>
          {may("submit", "Run", namespace) ? (
            <Button tone="primary" onPress={() => set("view", "start")}>
              Preview and start …
            </Button>
          ) : null}
        </>
      }
    >
      {description(plan.data) ? <p className="mb-3 text-muted">{description(plan.data)}</p> : null}
      <Tabs
        label="Views of the plan"
        at={asked.get("view") ?? "picture"}
        onAt={(view) => set("view", view === "picture" ? "" : view)}
        tabs={[
          { id: "picture", title: "Picture", content: () => <Picture spec={spec} stepSet={stepSet} /> },
          {
            id: "text",
            title: "As it is written",
            content: () => {
              const { apiVersion, kind, metadata } = plan.data;
              const written = { apiVersion, kind, metadata: { name: metadata.name, labels: metadata.labels }, spec };
              const text = yaml(written).trimStart();
              return (
                <Part title="Plan" actions={<Copy text={text} />}>
                  <pre tabIndex={0} className="mono overflow-x-auto px-4 py-3">{text}</pre>
                </Part>
              );
            },
          },
          { id: "revisions", title: "Revisions", content: () => <Revisions plural="plans" name={name} namespace={namespace} /> },
          { id: "runs", title: "Runs", content: () => <PlanRuns namespace={namespace} name={name} /> },
          ...(may("submit", "Run", namespace)
            ? [{ id: "start", title: "Start", content: () => <StartRun namespace={namespace} plan={plan.data} stepSet={stepSet} /> }]
            : []),
        ]}
      />
    </Page>
  );
}

function PlanRuns({ namespace, name }: { namespace: string; name: string }) {
  const runs = useRuns(namespace, { plan: name, limit: 50 });
  if (runs.isError) return <Wrong error={runs.error} />;
  const items = runs.data?.items ?? [];
  return (
    <div className="card overflow-x-auto">
      {items.length === 0 ? (
        <Empty title="It was never run">Rehearse it first: nothing is touched, and you see what would be.</Empty>
      ) : (
        <table className="list">
          <thead>
            <tr><th>State</th><th>Run</th><th>What</th><th>By</th><th>Submitted</th><th>Took</th></tr>
          </thead>
          <tbody>
            {items.map((run) => (
              <tr key={run.id}>
                <td><State state={run.status} /></td>
                <td><Link className="link mono" to={`/n/${namespace}/runs/${run.id}`}>{run.id.slice(0, 13)}</Link></td>
                <td className="max-w-lg truncate">{run.reason?.message ?? ""}</td>
                <td>{run.user}</td>
                <td><Ago at={run.submittedAt} /></td>
                <td><Took from={run.startedAt} to={run.endedAt} /></td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </div>
  );
}
