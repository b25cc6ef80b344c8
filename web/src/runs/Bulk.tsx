import { useState } from "react";
import { ask, path } from "../api/client";
import { useChange } from "../api/queries";
import type { Run } from "../api/types";
import { count, isOver } from "../lib/words";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { Text } from "../ui/Field";
import { Wrong } from "../ui/Notice";
import { namespaceOf } from "./RunsPage";

/** The same to several runs. What cannot be done to one is said, and done to the others. */
export function Bulk({ runs, onDone }: { runs: Run[]; onDone: () => void }) {
  const [what, setWhat] = useState<"stop" | "retry" | null>(null);
  const [why, setWhy] = useState("");
  const [wrong, setWrong] = useState<[string, unknown][]>([]);
  const going = runs.filter((run) => !isOver(run.status));
  const over = runs.filter((run) => run.status === "failed" || run.status === "stopped");
  const meant = what === "stop" ? going : over;
  const change = useChange(async () => {
    const failed: [string, unknown][] = [];
    for (const run of meant) {
      const at = path(["namespaces", namespaceOf(run), "runs", run.id, what ?? "stop"]);
      try {
        await ask(at, { method: "POST", body: { why } });
      } catch (error) {
        failed.push([`${run.plan} ${run.id.slice(0, 13)}`, error]);
      }
    }
    return failed;
  });
  const go = () =>
    change.mutate(undefined, {
      onSuccess: (failed) => {
        setWrong(failed);
        if (failed.length === 0) {
          setWhat(null);
          onDone();
        }
      },
    });
  if (runs.length === 0) return null;
  return (
    <div className="flex items-center gap-2">
      <span className="text-muted">{count(runs.length, "run")} chosen</span>
      {going.length > 0 ? (
        <Button tone="danger" onPress={() => setWhat("stop")}>
          Stop {going.length}
        </Button>
      ) : null}
      {over.length > 0 ? <Button onPress={() => setWhat("retry")}>Retry {over.length}</Button> : null}
      {what ? (
        <Dialog title={`${what === "stop" ? "Stop" : "Retry"} ${count(meant.length, "run")}?`} isOpen onClose={() => setWhat(null)}>
          <div className="flex flex-col gap-3">
            <p>
              {what === "stop"
                ? "Nothing new begins in them; what is at work comes to its end."
                : "What did not succeed in them is done again, in new runs."}
            </p>
            <ul className="max-h-40 list-disc overflow-auto pl-5">
              {meant.map((run) => (
                <li key={run.id}>
                  {run.plan} <span className="mono text-muted">{run.id.slice(0, 13)}</span> on {count(run.targets, "target")}
                </li>
              ))}
            </ul>
            <Text label="Why" value={why} onChange={(event) => setWhy(event.target.value)} autoFocus hint={what === "stop" ? "It stands in the record of each run." : "It stands in the audit."} />
            {wrong.map(([name, error]) => (
              <div key={name}>
                <p className="mono">{name}</p>
                <Wrong error={error} />
              </div>
            ))}
            <div className="flex justify-end gap-2">
              <Button onPress={() => setWhat(null)}>Leave them</Button>
              <Button tone={what === "stop" ? "danger" : "primary"} isDisabled={change.isPending} onPress={go}>
                {what === "stop" ? "Stop" : "Retry"}
              </Button>
            </div>
          </div>
        </Dialog>
      ) : null}
    </div>
  );
}
