import { useState } from "react";
import { useNavigate } from "react-router";
import { ask, path } from "../api/client";
import { useChange } from "../api/queries";
import type { Board, Submitted } from "../api/types";
import { useRights } from "../lib/rights";
import { count, grouped, isOver } from "../lib/words";
import { Button } from "../ui/Button";
import { Command } from "../ui/Copy";
import { Dialog } from "../ui/Dialog";
import { Choice, Text } from "../ui/Field";
import { Wrong } from "../ui/Notice";

/** Something that can be said to a run. */
interface Act {
  word: string;
  label: string;
  tone?: "primary" | "danger";
  verb: string;
  isShown: (status: string) => boolean;
  /** What it will do, before it is done. */
  does: (board: Board, tally: Record<string, number>) => string;
}

const goes = (status: string) => status === "running" || status === "paused";
const open = (status: string) => !isOver(status);
const active = (tally: Record<string, number>) => (tally["r"] ?? 0) + (tally["w"] ?? 0) + (tally["?"] ?? 0);
const left = (tally: Record<string, number>) => tally["."] ?? 0;

export const ACTS: Act[] = [
  {
    word: "start", label: "Start", tone: "primary", verb: "submit", isShown: (status) => status === "submitted",
    does: (board) => `It begins now, on ${count(board.run.targets, "target")}.`,
  },
  {
    word: "approve", label: "Approve", tone: "primary", verb: "approve", isShown: (status) => status === "awaitingApproval",
    does: (board) =>
      `You agree with plan ${board.run.plan} on ${count(board.run.targets, "target")} exactly as it stands here (${board.digest.slice(0, 12)}). ${(board.run.approval?.by?.length ?? 0) + 1} of ${board.run.approval?.quorum ?? 1} agree then${(board.run.approval?.by?.length ?? 0) + 1 >= (board.run.approval?.quorum ?? 1) ? ", and it begins at once" : ""}.`,
  },
  {
    word: "reject", label: "Reject", tone: "danger", verb: "approve", isShown: (status) => status === "awaitingApproval",
    does: () => "It ends as stopped and never begins.",
  },
  {
    word: "pause", label: "Pause", verb: "command", isShown: (status) => status === "running",
    does: (_, tally) =>
      `Nothing new begins. ${count(active(tally), "target")} at work go on to the end of what they do now; ${grouped(left(tally))} wait until somebody resumes it.`,
  },
  {
    word: "resume", label: "Resume", tone: "primary", verb: "command", isShown: (status) => status === "paused",
    does: (_, tally) => `It goes on: ${count(left(tally), "target")} are still to do.`,
  },
  {
    word: "stop", label: "Stop", tone: "danger", verb: "command", isShown: goes,
    does: (_, tally) =>
      `Nothing new begins: ${count(left(tally), "target")} will not be touched. ${count(active(tally), "target")} at work come to the end of their attempts; then deferred work and checks run, and it is over.`,
  },
  {
    word: "cancel", label: "Cancel", tone: "danger", verb: "command", isShown: goes,
    does: (_, tally) =>
      `As stop, and what is at work on ${count(active(tally), "target")} is asked to end (TERM). They may be left half done.`,
  },
  {
    word: "kill", label: "Kill", tone: "danger", verb: "command", isShown: open,
    does: (_, tally) => `As stop, and what is at work on ${count(active(tally), "target")} is killed at once. They are likely to be left half done.`,
  },
];

/** Buttons for what may be said to a run now. Each says what it will do, and takes a reason. */
export function Actions({ namespace, board, tally }: { namespace: string; board: Board; tally: () => Record<string, number> }) {
  const { may } = useRights();
  const [act, setAct] = useState<Act | null>(null);
  const [isRetry, setRetry] = useState(false);
  const shown = ACTS.filter((one) => one.isShown(board.run.status) && may(one.verb, "Run", namespace));
  return (
    <>
      {shown.map((one) => (
        <Button key={one.word} tone={one.tone ?? "plain"} onPress={() => setAct(one)}>
          {one.label}
        </Button>
      ))}
      {isOver(board.run.status) && may("command", "Run", namespace) ? <Button onPress={() => setRetry(true)}>Retry</Button> : null}
      {act ? <Say namespace={namespace} board={board} act={act} tally={tally()} onClose={() => setAct(null)} /> : null}
      {isRetry ? <Retry namespace={namespace} board={board} tally={tally()} onClose={() => setRetry(false)} /> : null}
    </>
  );
}

function Say({
  namespace,
  board,
  act,
  tally,
  onClose,
}: {
  namespace: string;
  board: Board;
  act: Act;
  tally: Record<string, number>;
  onClose: () => void;
}) {
  const [why, setWhy] = useState("");
  const change = useChange((why: string) =>
    ask(path(["namespaces", namespace, "runs", board.run.id, act.word]), {
      method: "POST",
      body: act.word === "approve" ? { why, digest: board.digest } : { why },
    }),
  );
  const flag = why ? ` --why ${JSON.stringify(why)}` : "";
  return (
    <Dialog title={`${act.label} run of ${board.run.plan}?`} isOpen onClose={onClose}>
      <form
        className="flex flex-col gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          change.mutate(why, { onSuccess: onClose });
        }}
      >
        <p>{act.does(board, tally)}</p>
        <Text label="Why" value={why} onChange={(event) => setWhy(event.target.value)} autoFocus hint="It stands in the record of the run." />
        <Command text={`windlass runs ${act.word} ${board.run.id}${flag}`} />
        {change.isError ? <Wrong error={change.error} /> : null}
        <div className="flex justify-end gap-2">
          <Button onPress={onClose}>Leave it</Button>
          <Button type="submit" tone={act.tone ?? "primary"} isDisabled={change.isPending}>
            {act.label}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function Retry({ namespace, board, tally, onClose }: { namespace: string; board: Board; tally: Record<string, number>; onClose: () => void }) {
  const [how, setHow] = useState("failure");
  const [why, setWhy] = useState("");
  const navigate = useNavigate();
  const change = useChange((fromScratch: boolean) =>
    ask<Submitted>(path(["namespaces", namespace, "runs", board.run.id, "retry"]), { method: "POST", body: { fromScratch, why } }),
  );
  const all = Object.values(tally).reduce((sum, one) => sum + one, 0);
  const done = (tally["s"] ?? 0) + (tally["c"] ?? 0);
  return (
    <Dialog title={`Retry run of ${board.run.plan}?`} isOpen onClose={onClose}>
      <form
        className="flex flex-col gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          change.mutate(how === "scratch", {
            onSuccess: (made) => {
              onClose();
              navigate(`/n/${namespace}/runs/${made.run}`);
            },
          });
        }}
      >
        <Choice
          label="What is done again"
          value={how}
          onChange={(event) => setHow(event.target.value)}
          of={[["failure", "what did not succeed"], ["scratch", "all of it"]]}
        />
        <p>
          {how === "scratch"
            ? `All ${count(all, "target")} are done again, also the ${grouped(done)} that succeeded.`
            : `${count(all - done, "target")} that did not succeed ${all - done === 1 ? "is" : "are"} done again; ${grouped(done)} that succeeded ${done === 1 ? "is" : "are"} left alone.`}
        </p>
        <p className="text-muted">A new run of the same plan, parameters and targets. The old one stays as it is.</p>
        <Text label="Why" value={why} onChange={(event) => setWhy(event.target.value)} autoFocus hint="It stands in the audit." />
        <Command text={`windlass runs retry ${board.run.id}${how === "scratch" ? " --from-scratch" : ""}`} />
        {change.isError ? <Wrong error={change.error} /> : null}
        <div className="flex justify-end gap-2">
          <Button onPress={onClose}>Leave it</Button>
          <Button type="submit" tone="primary" isDisabled={change.isPending}>
            Retry
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

/** Settles what waits for a person. */
export function Settle({ namespace, run, address, message }: { namespace: string; run: string; address: string; message: string }) {
  const { may } = useRights();
  const [verdict, setVerdict] = useState<string | null>(null);
  const [why, setWhy] = useState("");
  const change = useChange((verdict: string) =>
    ask(path(["namespaces", namespace, "runs", run, "resolve"]), { method: "POST", body: { address, verdict, why } }),
  );
  const verdicts: [string, string, string][] = [
    ["done", "It is done", "It counts as succeeded, and the sequence goes on."],
    ["failed", "It failed", "It counts as failed, as the plan says for failures."],
    ["again", "Do it again", "It is done once more. See to it that doing it twice does no harm."],
  ];
  return (
    <div className="flex flex-wrap items-center gap-2 py-1">
      <span className="mono font-medium">{address}</span>
      <span className="text-muted">{message}</span>
      {may("resolve", "Run", namespace)
        ? verdicts.map(([word, label]) => (
            <Button key={word} onPress={() => setVerdict(word)}>
              {label}
            </Button>
          ))
        : null}
      {verdict ? (
        <Dialog title={`${verdicts.find(([word]) => word === verdict)?.[1]}?`} isOpen onClose={() => setVerdict(null)}>
          <div className="flex flex-col gap-3">
            <p className="mono">{address}</p>
            <p>{verdicts.find(([word]) => word === verdict)?.[2]}</p>
            <Text label="Why" value={why} onChange={(event) => setWhy(event.target.value)} autoFocus />
            <Command text={`windlass runs resolve ${run} ${address} ${verdict}`} />
            {change.isError ? <Wrong error={change.error} /> : null}
            <div className="flex justify-end gap-2">
              <Button onPress={() => setVerdict(null)}>Leave it</Button>
              <Button tone="primary" isDisabled={change.isPending} onPress={() => change.mutate(verdict, { onSuccess: () => setVerdict(null) })}>
                Settle it
              </Button>
            </div>
          </div>
        </Dialog>
      ) : null}
    </div>
  );
}
