import { useMemo, useState } from "react";
import type { BoardBlock } from "../api/types";
import { length } from "../lib/time";
import { count, stateOf } from "../lib/words";
import { Choice, Text } from "../ui/Field";
import { State } from "../ui/State";
import type { LiveBoard } from "./live";
import { LIVELY, useChanges } from "./useLive";

const ROW = 32;
const SHOWN = 14;

/** The targets of a block as a list to search in. Only what is in sight is drawn. */
export function TargetList({
  live,
  at,
  block,
  picked,
  onPick,
}: {
  live: LiveBoard;
  at: number;
  block: BoardBlock;
  picked: string;
  onPick: (name: string) => void;
}) {
  const [word, setWord] = useState("");
  const [state, setState] = useState("");
  const [top, setTop] = useState(0);
  const version = useChanges(live, LIVELY);
  // Which are found depends on how they stand only where that is asked for.
  const moved = state === "" ? 0 : version;
  const found = useMemo(() => {
    const letters = live.letters[at] ?? [];
    const needle = word.toLowerCase();
    return block.names
      .map((name, index) => ({ name, index }))
      .filter(({ name }) => name.toLowerCase().includes(needle))
      .filter(({ index }) => state === "" || stateOf(letters[index] ?? ".") === state);
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [block, live, at, word, state, moved]);
  const first = Math.max(0, Math.floor(top / ROW) - 3);
  const inSight = found.slice(first, first + SHOWN + 6);
  return (
    <div className="px-4 pb-3">
      <div className="flex flex-wrap items-center gap-2 py-2">
        <Text label="Search targets" isHidden placeholder="Search targets" type="search" value={word} onChange={(event) => setWord(event.target.value)} />
        <Choice
          label="State"
          isHidden
          value={state}
          onChange={(event) => setState(event.target.value)}
          of={[["", "every state"], ...["running", "failed", "asked", "held", "stopped", "changed", "succeeded", "skipped", "pending"].map((one) => [one, one] as const)]}
        />
        <span className="text-muted">{count(found.length, "target")}</span>
      </div>
      <div
        className="overflow-auto rounded-md border border-line"
        style={{ height: Math.min(SHOWN, Math.max(1, found.length)) * ROW + 2 }}
        onScroll={(event) => setTop(event.currentTarget.scrollTop)}
        role="list"
        aria-label={`Targets of ${block.name}`}
        tabIndex={0}
      >
        <div style={{ height: found.length * ROW, position: "relative" }}>
          {inSight.map(({ name, index }, row) => (
            <div
              key={name}
              role="listitem"
              className={`absolute right-0 left-0 border-b border-line ${picked === name ? "bg-accent-soft" : "hover:bg-raised"}`}
              style={{ top: (first + row) * ROW, height: ROW }}
            >
              <button type="button" className="flex size-full cursor-pointer items-center gap-4 px-3 text-left" onClick={() => onPick(name)}>
                <span className="mono w-64 truncate">{name}</span>
                <State state={stateOf(live.letters[at]?.[index] ?? ".")} />
                <span className="ml-auto text-muted tabular-nums">{took(block, index)}</span>
              </button>
            </div>
          ))}
        </div>
      </div>
    </div>
  );
}

function took(block: BoardBlock, index: number): string {
  const [began, ended] = [block.begans[index] ?? -1, block.endeds[index] ?? -1];
  return began >= 0 && ended >= began ? length(ended - began) : "";
}
