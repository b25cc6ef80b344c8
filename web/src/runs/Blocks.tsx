import { useState } from "react";
import { count } from "../lib/words";
import { Button } from "../ui/Button";
import { Empty } from "../ui/Notice";
import { Part } from "../ui/Page";
import { State } from "../ui/State";
import { Took } from "../ui/Time";
import type { LiveBoard } from "./live";
import { Strip } from "./Strip";
import { TargetList } from "./TargetList";

/** The blocks with their targets. */
export function Blocks({ live, picked, onPick }: { live: LiveBoard; picked: string; onPick: (address: string) => void }) {
  const [listed, setListed] = useState<string>("");
  if (live.board.blocks.length === 0) {
    return (
      <div className="card">
        <Empty title="This plan has no blocks">It consists of checks and deferred work alone; the tree shows them.</Empty>
      </div>
    );
  }
  return (
    <>
      {live.board.blocks.map((block, at) => {
        const own = picked.startsWith(`${block.address}/`) ? picked.slice(block.address.length + 1) : "";
        return (
          <Part
            key={block.address}
            title={block.name}
            actions={
              <>
                <State state={block.state} />
                <span className="text-muted">
                  {block.began != null ? <Took from={block.began} to={block.ended} /> : null} · {count(block.names.length, "target")} ·{" "}
                  {block.actions.map((action) => action.name).join(" → ")}
                </span>
                <Button tone="quiet" onPress={() => setListed(listed === block.address ? "" : block.address)}>
                  {listed === block.address ? "As cells" : "As a list"}
                </Button>
              </>
            }
          >
            {block.names.length === 0 ? (
              <p className="px-4 py-4 text-muted">
                {block.choosesLate ? "Its targets are chosen when it begins." : "It has no targets."}
              </p>
            ) : listed === block.address ? (
              <TargetList live={live} at={at} block={block} picked={own} onPick={(name) => onPick(`${block.address}/${name}`)} />
            ) : (
              <Strip live={live} at={at} block={block} picked={own} onPick={(name) => onPick(`${block.address}/${name}`)} />
            )}
          </Part>
        );
      })}
    </>
  );
}
