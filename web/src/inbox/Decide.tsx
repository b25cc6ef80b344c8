import { useQueries } from "@tanstack/react-query";
import { useState } from "react";
import { ask, path, type Problem } from "../api/client";
import { boardQuery, useChange } from "../api/queries";
import type { Board, BoardBlock, Run } from "../api/types";
import { count, grouped } from "../lib/words";
import { namespaceOf } from "../runs/RunsPage";
import { Button } from "../ui/Button";
import { Command } from "../ui/Copy";
import { Dialog } from "../ui/Dialog";
import { Text } from "../ui/Field";
import { Wrong } from "../ui/Notice";

type Word = "approve" | "reject";

/** Several approvals at once, with one reason. What each run would do is shown first, and that is what is agreed with. */
export function Decide({ word, runs, onClose }: { word: Word; runs: Run[]; onClose: (left: Run[]) => void }) {
  const [why, setWhy] = useState("");
  const [refused, setRefused] = useState<Map<string, Problem>>(new Map());
  // What was looked at does not change while somebody decides: its digest is what they agree with.
  const [meant] = useState(runs);
  const boards = useQueries({ queries: meant.map((run) => boardQuery(namespaceOf(run), run.id)) });
  const isSeen = boards.every((board) => board.data);
  const change = useChange(async () => {
    const failed = new Map<string, Problem>();
    for (const [at, run] of meant.entries()) {
      const board = boards[at]?.data;
      if (!board) continue;
      try {
        const body = word === "approve" ? { why, digest: board.digest } : { why };
        await ask(path(["namespaces", namespaceOf(run), "runs", run.id, word]), { method: "POST", body });
      } catch (error) {
        failed.set(run.id, error as Problem);
      }
    }
    return failed;
  });
  const label = word === "approve" ? "Approve" : "Reject";
  const go = () =>
    change.mutate(undefined, {
      onSuccess: (failed) => {
        setRefused(failed);
        if (failed.size === 0) onClose([]);
      },
    });
  const isDone = change.isSuccess && refused.size > 0;
  const flag = why ? ` --why ${JSON.stringify(why)}` : "";
  const targets = meant.reduce((sum, run) => sum + run.targets, 0);
  return (
    <Dialog title={`${label} ${count(meant.length, "run")}?`} isOpen onClose={() => onClose(runs)} wide>
      <form
        className="flex flex-col gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          go();
        }}
      >
        <p>
          {word === "approve"
            ? `You agree with each exactly as it stands here, on ${count(targets, "target")} in all. One that nobody else has to agree with begins at once.`
            : "Each ends as stopped and never begins."}
        </p>
        <ul className="max-h-72 overflow-auto rounded-md border border-line" aria-label="What each will do">
          {meant.map((run, at) => (
            <li key={run.id} className="border-b border-line px-3 py-2 last:border-0">
              <One run={run} board={boards[at]?.data} error={boards[at]?.error} word={word} />
              {refused.has(run.id) ? <Wrong error={refused.get(run.id)} /> : isDone ? <p className="text-ok">Done.</p> : null}
            </li>
          ))}
        </ul>
        {isDone ? null : <Text label="Why" value={why} onChange={(event) => setWhy(event.target.value)} autoFocus hint="It stands in the record of each run." />}
        <Command text={meant.map((run) => `windlass runs ${word} ${run.id}${flag}`).join("\n")} />
        <div className="flex justify-end gap-2">
          {isDone ? (
            <Button onPress={() => onClose(runs.filter((run) => refused.has(run.id)))}>Close</Button>
          ) : (
            <>
              <Button onPress={() => onClose(runs)}>Leave them</Button>
              <Button type="submit" tone={word === "approve" ? "primary" : "danger"} isDisabled={change.isPending || !isSeen}>
                {label} {count(meant.length, "run")}
              </Button>
            </>
          )}
        </div>
      </form>
    </Dialog>
  );
}

function One({ run, board, error, word }: { run: Run; board: Board | undefined; error: unknown; word: Word }) {
  const quorum = run.approval?.quorum ?? 1;
  const agreed = (run.approval?.by?.length ?? 0) + 1;
  return (
    <>
      <p>
        <b>{run.plan}</b> <span className="mono text-muted">{run.id.slice(0, 13)}</span> by {run.user} on {count(run.targets, "target")}
        {run.noop ? ", which only looks" : ""}
        {run.description ? <span className="text-muted"> – {run.description}</span> : null}
      </p>
      {error ? <Wrong error={error} /> : null}
      {board ? (
        <ul className="list-disc pl-5 text-muted">
          {board.blocks.map((block) => (
            <li key={block.address}>{inWords(block)}</li>
          ))}
        </ul>
      ) : error ? null : (
        <p className="text-muted">Looking at it …</p>
      )}
      {board && word === "approve" ? (
        <p className="text-muted">
          {agreed} of {quorum} agree then{agreed >= quorum ? ", and it begins at once" : ""}. As it stands: <span className="mono">{board.digest.slice(0, 12)}</span>
        </p>
      ) : null}
    </>
  );
}

/** What a block does, on how many, and how bad it can get. */
function inWords(block: BoardBlock): string {
  const what = block.actions.map((action) => `${action.name} (${action.use})`).join(" → ") || "no actions";
  const on = block.choosesLate ? "targets that are chosen when it begins" : count(block.names.length, "target");
  const limit = block.failures == null ? "however many fail" : `until more than ${grouped(block.failures)} fail`;
  return `${block.name}: ${what}, on ${on}, ${grouped(block.concurrency)} at once, ${limit}`;
}
