import { useMemo, useState } from "react";
import type { Rehearsed } from "../api/types";
import { LiveBoard } from "../runs/live";
import { Strip } from "../runs/Strip";
import { Timeline } from "../runs/Timeline";
import { length } from "../lib/time";
import { count, grouped, reason } from "../lib/words";
import { Button } from "../ui/Button";
import { Copy } from "../ui/Copy";
import { Dialog } from "../ui/Dialog";
import { Part } from "../ui/Page";
import { State } from "../ui/State";
import { script } from "./faults";

/** What a rehearsal showed: the virtual timeline, the worst case, what it would have touched. */
export function Outcome({
  seen,
  plan,
  faults,
  params,
  stepSet,
  targets,
}: {
  seen: Rehearsed;
  plan: string;
  faults: string[];
  params: Record<string, string>;
  stepSet: string;
  targets: string;
}) {
  const live = useMemo(() => new LiveBoard(structuredClone(seen.board)), [seen]);
  const [isTest, setTest] = useState(false);
  const { board } = live;
  const test = script({
    plan,
    faults,
    params,
    stepSet,
    targets,
    seed: String(seen.seed),
    status: board.run.status,
    blocks: board.blocks.map((block, at) => ({ name: block.name, failed: live.tally(at)["f"] ?? 0, peak: block.peak })),
  });
  return (
    <div aria-live="polite">
      <Part
        title="What would be"
        actions={
          <>
            <State state={board.run.status} />
            <Button onPress={() => setTest(true)}>As a test …</Button>
          </>
        }
      >
        <div className="px-4 py-3">
          {board.run.reason ? (
            <p className="mb-2">
              <span className="font-semibold text-bad">{reason(board.run.reason.kind)}: </span>
              {board.run.reason.message} <span className="mono text-muted">{board.run.reason.address}</span>
            </p>
          ) : null}
          <p>
            {length(seen.lasted)} of virtual time · {count(seen.events, "event")} · it would touch {count(seen.targets, "target")}
            {seen.crashes > 0 ? ` · ${count(seen.crashes, "crash", "crashes")} survived` : ""} · seed {seen.seed}
          </p>
          {seen.brokenOff ? <p className="text-warn">It was broken off: there were more events than are played here. The command line plays all of them.</p> : null}
          {board.run.needsPerson ? <p className="text-warn">It waits for a person: {board.asked.map((one) => one.address).join(", ")}</p> : null}
        </div>
        <Timeline board={board} isVirtual />
      </Part>
      <Part title="Worst case">
        <table className="list">
          <thead><tr><th>Block</th><th>Here</th><th>However it goes</th></tr></thead>
          <tbody>
            {seen.worst.map((worst, at) => (
              <tr key={worst.block}>
                <td className="font-medium">{worst.block}</td>
                <td className="tabular-nums">
                  {grouped(live.tally(at)["f"] ?? 0)} failed, at most {grouped(board.blocks[at]?.peak ?? 0)} at once
                </td>
                <td>{worst.words}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Part>
      {board.blocks.map((block, at) =>
        block.names.length > 0 ? (
          <Part key={block.address} title={block.name} actions={<State state={block.state} />}>
            <Strip live={live} at={at} block={block} picked="" onPick={() => {}} />
          </Part>
        ) : null,
      )}
      <Part title="Would be touched">
        {seen.touched.length === 0 ? (
          <p className="px-4 py-3 text-muted">Nothing.</p>
        ) : (
          <table className="list">
            <thead><tr><th>Plugin</th><th>Attempts</th><th>The longest</th></tr></thead>
            <tbody>
              {seen.touched.map((one) => (
                <tr key={one.use}>
                  <td className="mono">{one.use}</td>
                  <td className="tabular-nums">{grouped(one.attempts)}</td>
                  <td className="tabular-nums">{length(one.longest)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Part>
      <Dialog title="As a test" isOpen={isTest} onClose={() => setTest(false)} wide>
        <p className="mb-2 text-muted">It fails when the plan comes to behave otherwise. Put it beside the plan, and let CI run it.</p>
        <pre tabIndex={0} className="mono overflow-x-auto rounded-md border border-line bg-raised p-3">{test}</pre>
        <div className="mt-3 flex justify-end gap-2">
          <Copy text={test} label="Copy the test" />
          <Button onPress={() => setTest(false)}>Close</Button>
        </div>
      </Dialog>
    </div>
  );
}
