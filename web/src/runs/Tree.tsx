import { useState } from "react";
import type { BoardPart } from "../api/types";
import { count } from "../lib/words";
import { Text } from "../ui/Field";
import { State } from "../ui/State";
import { Took } from "../ui/Time";
import type { LiveBoard } from "./live";
import { TargetList } from "./TargetList";

/** A run as its plan is written: checks, blocks with what is in them, deferred work. */
export function Tree({ live, picked, onPick }: { live: LiveBoard; picked: string; onPick: (address: string) => void }) {
  const [word, setWord] = useState("");
  const { board } = live;
  const fits = (address: string) => word === "" || address.toLowerCase().includes(word.toLowerCase());
  const before = board.checks.filter((part) => part.slot !== "post" && part.slot !== "deferred");
  const after = board.checks.filter((part) => part.slot === "post" || part.slot === "deferred");
  return (
    <section className="card px-4 py-3" aria-label="Tree">
      <Text label="Search in the tree" isHidden type="search" placeholder="Search in the tree" value={word} onChange={(event) => setWord(event.target.value)} />
      <ul className="mt-2">
        <Parts parts={before.filter((part) => fits(part.address))} onPick={onPick} />
        {board.blocks.map((block, at) => (
          <li key={block.address}>
            <details open={board.blocks.length <= 3 || word !== ""}>
              <summary className="cursor-pointer py-1">
                <span className="inline-flex items-center gap-4">
                  <span className="font-semibold">{block.name}</span>
                  <State state={block.state} />
                  <span className="text-muted">{count(block.names.length, "target")}</span>
                </span>
              </summary>
              <ul className="border-l border-line pl-4">
                <Parts parts={block.checks.filter((part) => fits(part.address))} onPick={onPick} />
                {block.actions.length > 0 ? (
                  <li className="py-1 text-muted">
                    each target: {block.actions.map((action) => `${action.name} (${action.use})`).join(" → ")}
                  </li>
                ) : null}
                {block.names.length > 0 ? (
                  <li>
                    <TargetList
                      live={live}
                      at={at}
                      block={block}
                      picked={picked.slice(block.address.length + 1)}
                      onPick={(name) => onPick(`${block.address}/${name}`)}
                    />
                  </li>
                ) : null}
              </ul>
            </details>
          </li>
        ))}
        <Parts parts={after.filter((part) => fits(part.address))} onPick={onPick} />
        <Parts parts={board.deferred.filter((part) => fits(part.address))} onPick={onPick} />
      </ul>
    </section>
  );
}

function Parts({ parts, onPick }: { parts: BoardPart[]; onPick: (address: string) => void }) {
  return parts.map((part) => (
    <li key={part.address} className={part.use ? "pl-6" : ""}>
      <button type="button" className="flex w-full cursor-pointer items-center gap-4 rounded py-0.5 text-left hover:bg-raised" onClick={() => onPick(part.address)}>
        <span className="mono w-72 truncate">{part.address}</span>
        <State state={part.state} />
        <span className="mono text-muted">{part.use}</span>
        {(part.rounds ?? 0) > 1 ? <span className="text-muted">{count(part.rounds ?? 0, "round")}</span> : null}
        <span className="ml-auto text-muted">{part.began != null ? <Took from={part.began} to={part.ended} /> : null}</span>
      </button>
    </li>
  ));
}
