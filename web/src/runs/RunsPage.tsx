import { useEffect, useState } from "react";
import { Link, useParams, useSearchParams } from "react-router";
import { type RunFilter, useRuns } from "../api/queries";
import type { Run } from "../api/types";
import { useRights } from "../lib/rights";
import { grouped } from "../lib/words";
import { Button } from "../ui/Button";
import { Copy } from "../ui/Copy";
import { Choice, LateText } from "../ui/Field";
import { Empty, Loading, Wrong } from "../ui/Notice";
import { Page } from "../ui/Page";
import { State } from "../ui/State";
import { Ago, Took } from "../ui/Time";
import { Bulk } from "./Bulk";
import { Saved, Times } from "./Filters";

const KEYS = ["status", "plan", "text", "labels", "node", "user", "group", "since", "until"] as const;
const FIELDS = [["text", "Text"], ["plan", "Plan"], ["node", "Node"], ["labels", "Labels: team=web"], ["user", "User"], ["group", "Group"]] as const;
const STATES: [string, string][] = [
  ["", "every state"],
  ["running", "running"],
  ["awaitingApproval", "awaits approval"],
  ["paused", "paused"],
  ["submitted", "submitted"],
  ["failed", "failed"],
  ["stopped", "stopped"],
  ["succeeded", "succeeded"],
  ["running,paused,submitted,awaitingApproval", "not over"],
];

export function namespaceOf(run: Run): string {
  return run.labels?.["windlass.dev/namespace"] ?? "default";
}

/** Runs, the newest first. What is looked for stands in the address. */
export function RunsPage() {
  const { ns = "~" } = useParams();
  const [asked, setAsked] = useSearchParams();
  const { may } = useRights();
  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set());
  const namespace = ns === "~" ? "" : ns;
  const cursor = asked.get("cursor") ?? undefined;
  const filter: RunFilter = Object.fromEntries(KEYS.map((key) => [key, asked.get(key) ?? undefined]));
  // A page that is not the first stays put while new runs arrive: it begins behind a run, not behind a number of them.
  const runs = useRuns(namespace, { ...filter, cursor, limit: 50 }, cursor ? 5_000 : 2_000);
  useEffect(() => setPicked(new Set()), [ns, asked]);
  const set = (key: string, value: string) =>
    setAsked((before) => {
      const next = new URLSearchParams(before);
      next.delete("cursor");
      if (value === "") next.delete(key);
      else next.set(key, value);
      return next;
    });
  const items = runs.data?.items ?? [];
  const chosen = items.filter((run) => picked.has(run.id));
  const isFiltered = KEYS.some((key) => asked.get(key));
  const command = ["windlass runs list", ...KEYS.filter((key) => key !== "node" && asked.get(key)).map((key) => `--${key === "labels" ? "label" : key} ${JSON.stringify(asked.get(key))}`)].join(" ");
  return (
    <Page
      title="Runs"
      actions={
        <>
          <Copy text={command} label="Copy as command" />
          <Saved asked={asked} onGo={(query) => setAsked(new URLSearchParams(query))} />
        </>
      }
    >
      <search className="mb-3 flex flex-wrap items-end gap-2">
        <Choice label="State" isHidden value={asked.get("status") ?? ""} onChange={(event) => set("status", event.target.value)} of={STATES} />
        {FIELDS.map(([key, label]) => (
          <LateText key={key} label={label} isHidden placeholder={label} className="w-40" value={asked.get(key) ?? ""} onValue={(value) => set(key, value)} />
        ))}
        <Times since={asked.get("since") ?? ""} until={asked.get("until") ?? ""} onTime={set} />
        {isFiltered ? (
          <Button tone="quiet" onPress={() => setAsked(new URLSearchParams())}>
            Clear
          </Button>
        ) : null}
        <div className="ml-auto">
          <Bulk runs={chosen} onDone={() => setPicked(new Set())} />
        </div>
      </search>
      {runs.isError ? <Wrong error={runs.error} again={() => void runs.refetch()} /> : null}
      {runs.isPending ? <Loading what="runs" /> : null}
      {runs.data ? (
        <div className="card overflow-x-auto">
          {items.length === 0 ? (
            <Empty title={isFiltered ? "No run is like that" : "No runs yet"}>
              {isFiltered ? (
                "Clear the filter, or look in another namespace."
              ) : (
                <>
                  A run carries out a <Link className="link" to={`/n/${ns}/plans`}>plan</Link>. Start one there, or with{" "}
                  <code className="mono">windlass run PLAN --context …</code>
                </>
              )}
            </Empty>
          ) : (
            <table className="list">
              <thead>
                <tr>
                  <th>
                    <input
                      type="checkbox"
                      aria-label="Choose all runs of this page"
                      checked={chosen.length === items.length}
                      onChange={(event) => setPicked(new Set(event.target.checked ? items.map((run) => run.id) : []))}
                    />
                  </th>
                  <th>State</th>
                  <th>Plan</th>
                  {namespace === "" ? <th>Namespace</th> : null}
                  <th>What</th>
                  <th>Targets</th>
                  <th>By</th>
                  <th>Submitted</th>
                  <th>Took</th>
                </tr>
              </thead>
              <tbody>
                {items.map((run) => (
                  <tr key={run.id}>
                    <td>
                      <input
                        type="checkbox"
                        aria-label={`Choose run ${run.id}`}
                        checked={picked.has(run.id)}
                        disabled={!may("command", "Run", namespaceOf(run))}
                        onChange={(event) => {
                          const next = new Set(picked);
                          if (event.target.checked) next.add(run.id);
                          else next.delete(run.id);
                          setPicked(next);
                        }}
                      />
                    </td>
                    <td>
                      <State state={run.needsPerson && run.status !== "awaitingApproval" ? "asked" : run.status} />
                    </td>
                    <td>
                      <Link className="link font-medium" to={`/n/${namespaceOf(run)}/runs/${run.id}`}>
                        {run.plan}
                      </Link>
                      <div className="mono text-muted">{run.id.slice(0, 13)}</div>
                    </td>
                    {namespace === "" ? <td>{namespaceOf(run)}</td> : null}
                    <td className="max-w-lg">
                      <div className="truncate">{run.reason?.message ?? run.trouble ?? run.description ?? ""}</div>
                      {run.reason ? <div className="mono truncate text-muted">{run.reason.address}</div> : null}
                    </td>
                    <td className="tabular-nums">{grouped(run.targets)}</td>
                    <td>{run.user}</td>
                    <td>
                      <Ago at={run.submittedAt} />
                    </td>
                    <td>
                      <Took from={run.startedAt} to={run.endedAt} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
        </div>
      ) : null}
      <div className="mt-3 flex gap-2">
        {cursor ? <Button onPress={() => set("cursor", "")}>The newest</Button> : null}
        {runs.data?.next ? (
          <Button
            onPress={() =>
              setAsked((before) => {
                const next = new URLSearchParams(before);
                next.set("cursor", runs.data?.next ?? "");
                return next;
              })
            }
          >
            Older
          </Button>
        ) : null}
      </div>
    </Page>
  );
}

