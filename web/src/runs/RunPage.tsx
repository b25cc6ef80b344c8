import { Link, useParams, useSearchParams } from "react-router";
import type { Board } from "../api/types";
import { count, grouped, isOver, reason } from "../lib/words";
import { Button } from "../ui/Button";
import { Command, Copy } from "../ui/Copy";
import { Dialog } from "../ui/Dialog";
import { Loading, Wrong } from "../ui/Notice";
import { Page, Part } from "../ui/Page";
import { State } from "../ui/State";
import { Tabs } from "../ui/Tabs";
import { Ago, At, Took } from "../ui/Time";
import { Actions, Settle } from "./Actions";
import { Blocks } from "./Blocks";
import { Feed } from "./Feed";
import type { LiveBoard } from "./live";
import { LogPane } from "./LogPane";
import { RunTimeline } from "./RunTimeline";
import { TargetPane } from "./TargetPane";
import { Tree } from "./Tree";
import { LIVELY, useChanges, useLive } from "./useLive";

/** A run: what happens, what is about to, what is stuck and why, and how to stop it. */
export function RunPage() {
  const { ns: namespace = "", run = "" } = useParams();
  return <OneRun key={`${namespace}/${run}`} namespace={namespace} run={run} />;
}

function OneRun({ namespace, run }: { namespace: string; run: string }) {
  const { live, query } = useLive(namespace, run);
  const [asked, setAsked] = useSearchParams();
  const set = (key: string, value: string) =>
    setAsked(
      (before) => {
        const next = new URLSearchParams(before);
        if (value === "") next.delete(key);
        else next.set(key, value);
        return next;
      },
      { replace: key === "view" },
    );
  /** Another view, of what was picked. */
  const show = (view: string, key: string, value: string) =>
    setAsked((before) => {
      const next = new URLSearchParams(before);
      next.delete("at");
      next.set("view", view);
      next.set(key, value);
      return next;
    });
  if (query.isError && !live) {
    return (
      <Page title="Run">
        <Wrong error={query.error} again={() => void query.refetch()} />
      </Page>
    );
  }
  if (!live) return <Loading what="the run" />;
  const { board } = live;
  const picked = asked.get("at") ?? "";
  const isNode = live.sequenceOf(picked) !== undefined;
  return (
    <Page
      about={`${board.run.plan} ${board.run.status}`}
      title={
        <span className="flex flex-wrap items-center gap-3">
          <Link className="hover:underline" to={`/n/${namespace}/plans/${board.run.plan}`}>
            {board.run.plan}
          </Link>
          <State state={board.run.status} />
          {board.run.noop ? <span className="rounded bg-raised px-2 text-sm text-muted">noop: only looks</span> : null}
        </span>
      }
      actions={<Actions namespace={namespace} board={board} tally={() => live.tally()} />}
    >
      <Header namespace={namespace} board={board} live={live} />
      <Tabs
        label="Views of the run"
        at={asked.get("view") ?? "targets"}
        onAt={(view) => set("view", view === "targets" ? "" : view)}
        tabs={[
          {
            id: "targets",
            title: "Targets",
            note: grouped(board.run.targets),
            content: () => <Blocks live={live} picked={picked} onPick={(address) => set("at", address)} />,
          },
          {
            id: "timeline",
            title: "Timeline",
            content: () => (
              <RunTimeline
                namespace={namespace}
                run={run}
                live={live}
                target={asked.get("target") ?? ""}
                onTarget={(address) => set("target", address)}
                onPick={(address) => set("at", address)}
              />
            ),
          },
          { id: "tree", title: "Tree", content: () => <Tree live={live} picked={picked} onPick={(address) => set("at", address)} /> },
          {
            id: "log",
            title: "Log",
            content: () => (
              <section className="card" aria-label="Log">
                <LogPane namespace={namespace} run={run} node={asked.get("node") ?? ""} onNode={(node) => set("node", node)} />
              </section>
            ),
          },
          { id: "events", title: "Events", note: grouped(live.seq), content: () => <Feed live={live} namespace={namespace} /> },
        ]}
      />
      <Dialog title={picked} isOpen={picked !== ""} onClose={() => set("at", "")} wide>
        {picked !== "" ? (
          <>
            <TargetPane namespace={namespace} run={run} address={picked} seq={live.touchedIn(picked)} isNode={isNode} />
            {isNode ? (
              <div className="flex justify-end gap-2 px-4">
                <Button onPress={() => show("timeline", "target", picked)}>In the timeline</Button>
                <Button onPress={() => show("log", "node", picked.split("/").slice(1).join("/"))}>Its log</Button>
                <Button onPress={() => set("at", "")}>Close</Button>
              </div>
            ) : null}
          </>
        ) : null}
      </Dialog>
    </Page>
  );
}

function Header({ namespace, board, live }: { namespace: string; board: Board; live: LiveBoard }) {
  const { run } = board;
  const approval = run.approval;
  return (
    <Part
      title={run.description || "How it stands"}
      actions={
        <>
          <Copy text={run.id} label="Copy id" />
          <Copy text={`windlass runs watch ${run.id}`} label="Copy as command" />
          <a className="link" href={`/api/v1/namespaces/${encodeURIComponent(namespace)}/runs/${run.id}/report?format=html`} target="_blank" rel="noreferrer">
            Report
          </a>
        </>
      }
    >
      <div className="px-4 py-3">
        {run.reason ? (
          <p className="mb-2 text-base">
            <span className="font-semibold text-bad">{reason(run.reason.kind)}: </span>
            {run.reason.message} <span className="mono text-muted">{run.reason.address}</span>
          </p>
        ) : null}
        {run.trouble ? <p className="mb-2 text-warn">{run.trouble}</p> : null}
        {run.status === "awaitingApproval" && approval ? (
          <p className="mb-2 text-warn">
            Waits for {count(approval.quorum, "approval")}; {(approval.by ?? []).length > 0 ? `${approval.by?.join(", ")} agreed; ` : ""}
            until <At at={approval.until} />.
          </p>
        ) : null}
        <dl className="grid grid-cols-[repeat(auto-fill,minmax(170px,1fr))] gap-x-6 gap-y-2">
          <Fact name="Submitted by">{run.user}</Fact>
          <Fact name="Submitted">
            <Ago at={run.submittedAt} />
          </Fact>
          <Fact name="Began">{run.startedAt ? <At at={run.startedAt} /> : "not yet"}</Fact>
          <Fact name={isOver(run.status) ? "Took" : "Going on for"}>
            <Took from={run.startedAt} to={run.endedAt} />
          </Fact>
          <Fact name="Targets">{grouped(run.targets)}</Fact>
          <Fact name="Namespace">{namespace}</Fact>
          {run.stepSet !== "default" ? <Fact name="Step set">{run.stepSet}</Fact> : null}
          {run.retryOf ? (
            <Fact name="Retries">
              <Link className="link" to={`/n/${namespace}/runs/${run.retryOf}`}>
                {run.retryOf.slice(0, 13)}
              </Link>
            </Fact>
          ) : null}
          <Fact name="Labels">
            {Object.entries(run.labels ?? {})
              .filter(([name]) => !name.startsWith("windlass.dev/"))
              .map(([name, value]) => `${name}=${value}`)
              .join(", ") || "–"}
          </Fact>
        </dl>
        {board.asked.length > 0 ? (
          <div className="mt-3 rounded-md border border-warn bg-warn-soft px-3 py-2">
            <p className="font-medium text-warn">{count(board.asked.length, "thing")} to be settled by a person: nobody can know how it ended.</p>
            {board.asked.map((one) => (
              <Settle key={one.address} namespace={namespace} run={run.id} address={one.address} message={one.message} />
            ))}
          </div>
        ) : null}
        {board.held.length > 0 && !isOver(run.status) ? (
          <details className="mt-2">
            <summary className="cursor-pointer text-warn">{count(board.held.length, "target waits", "targets wait")} for others</summary>
            <ul>
              {board.held.map((one) => (
                <li key={one.address}>
                  <span className="mono">{one.address}</span> waits for {one.lock.replace(/^budget\//, "the budget ")}: {one.holder}
                </li>
              ))}
            </ul>
          </details>
        ) : null}
        {board.failures.length > 0 ? <Failures board={board} /> : null}
        {board.notes.length > 0 ? (
          <details className="mt-2">
            <summary className="cursor-pointer text-muted">{count(board.notes.length, "thing")} that people said</summary>
            <ul>
              {board.notes.map((note, at) => (
                <li key={at}>
                  <At at={note.at} /> {note.what} by <b>{note.by}</b> {note.why ? <span className="text-muted">– {note.why}</span> : null}
                </li>
              ))}
            </ul>
          </details>
        ) : null}
        <Limits live={live} />
        {isOver(run.status) && run.status !== "succeeded" ? (
          <div className="mt-3">
            <Command text={`windlass runs retry ${run.id}`} />
          </div>
        ) : null}
      </div>
    </Part>
  );
}

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div>
      <dt className="text-xs text-muted">{name}</dt>
      <dd className="truncate">{children}</dd>
    </div>
  );
}

function Failures({ board }: { board: Board }) {
  const [, setAsked] = useSearchParams();
  return (
    <details className="mt-2" open={board.failures.length <= 5}>
      <summary className="cursor-pointer text-bad">{count(board.failed, "failure")}</summary>
      <ul className="max-h-60 overflow-auto">
        {board.failures.map((one) => (
          <li key={one.address} className="flex gap-3 py-0.5">
            <button
              type="button"
              className="mono link cursor-pointer"
              onClick={() => setAsked((before) => new URLSearchParams([...before].filter(([key]) => key !== "at").concat([["at", one.address.split("/").slice(0, 2).join("/")]])))}
            >
              {one.address}
            </button>
            <span className="truncate text-muted">{one.message}</span>
          </li>
        ))}
      </ul>
    </details>
  );
}

/** The limits of each block that goes on, as numbers that may not be crossed. */
function Limits({ live }: { live: LiveBoard }) {
  useChanges(live, LIVELY);
  const { board } = live;
  const going = board.blocks.map((block, at) => ({ block, tally: live.tally(at) })).filter(({ block }) => block.began != null);
  if (going.length === 0) return null;
  return (
    <ul className="mt-3 flex flex-col gap-1">
      {going.map(({ block, tally }) => {
        const failed = tally["f"] ?? 0;
        const active = (tally["r"] ?? 0) + (tally["?"] ?? 0) + (tally["w"] ?? 0);
        const batch = block.batches.at(-1);
        return (
          <li key={block.address} className="flex flex-wrap gap-x-5 tabular-nums">
            <span className="w-40 truncate font-medium">{block.name}</span>
            <State state={block.state} />
            <span className={failed > (block.failures ?? Number.POSITIVE_INFINITY) ? "text-bad" : ""}>
              {grouped(failed)} / {block.failures == null ? "∞" : grouped(block.failures)} failed
            </span>
            <span>
              {grouped(active)} / {grouped(block.concurrency)} at work
            </span>
            {batch ? (
              <span>
                {batch.canary ? "canary" : `batch ${batch.n}`}: {batch.size}
              </span>
            ) : null}
            {block.waits.filter((wait) => wait.until > board.at).map((wait) => (
              <span key={wait.from} className="text-warn">
                {wait.wait} until <At at={wait.until} />
              </span>
            ))}
          </li>
        );
      })}
    </ul>
  );
}
