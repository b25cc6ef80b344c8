import { useState } from "react";
import type { Board } from "../api/types";
import { type Action, actionsOf, type Block, type PlanSpec, targetsIn } from "../plans/plan";
import { Text } from "../ui/Field";
import type { Fault } from "./faults";

/** The plan as something to be broken: each check, action and target can be clicked. */
export function Stage({
  spec,
  blocks,
  faults,
  onAdd,
  board,
}: {
  spec: PlanSpec;
  blocks: Block[];
  faults: Fault[];
  onAdd: (address: string) => void;
  board: Board | undefined;
}) {
  const isBroken = (address: string) => faults.some((fault) => fault.address === address);
  return (
    <div className="flex flex-col gap-3 px-4 py-3">
      <Checks checks={spec.checks} prefix="" onAdd={onAdd} isBroken={isBroken} />
      {blocks.map((block, at) => (
        <div key={block.name} className="rounded-md border border-line px-3 py-2">
          <p className="mb-1">
            <b>{block.name}</b> <span className="text-muted">on {targetsIn(block)}</span>
          </p>
          <Checks checks={block.checks} prefix={`${block.name}/`} onAdd={onAdd} isBroken={isBroken} />
          <div className="flex flex-wrap items-center gap-1.5">
            {actionsOf(block).map((action) => (
              <Chip key={action.name} address={`${block.name}/*/${action.name}`} text={action.name} note="on every target" onAdd={onAdd} isBroken={isBroken} />
            ))}
          </div>
          <Targets names={board?.blocks[at]?.names ?? []} block={block.name} onAdd={onAdd} isBroken={isBroken} />
        </div>
      ))}
      {(spec.deferred ?? []).map((batch) => (
        <div key={batch.name} className="flex flex-wrap items-center gap-1.5">
          <span className="text-muted">deferred {batch.name}:</span>
          {batch.actions.map((action) => (
            <Chip key={action.name} address={`deferred/${batch.name}/${action.name}`} text={action.name} note="in the end" onAdd={onAdd} isBroken={isBroken} />
          ))}
        </div>
      ))}
    </div>
  );
}

interface Breaking {
  onAdd: (address: string) => void;
  isBroken: (address: string) => boolean;
}

function Chip({ address, text, note, onAdd, isBroken }: { address: string; text: string; note: string } & Breaking) {
  const broken = isBroken(address);
  return (
    <button
      type="button"
      aria-pressed={broken}
      title={`Let ${address} go wrong (${note})`}
      onClick={() => onAdd(address)}
      className={`cursor-pointer rounded-md border px-2 py-0.5 ${broken ? "border-bad bg-bad-soft text-bad" : "border-strong hover:border-bad hover:text-bad"}`}
    >
      <span aria-hidden>{broken ? "⚡ " : ""}</span>
      {text}
    </button>
  );
}

function Checks({ checks, prefix, onAdd, isBroken }: { checks: Record<string, Action[]> | undefined; prefix: string } & Breaking) {
  const slots = ["bypass", "pre", "continuous", "post", "deferred"].filter((slot) => Array.isArray(checks?.[slot]) && checks[slot].length > 0);
  return slots.map((slot) => (
    <div key={slot} className="mb-1 flex flex-wrap items-center gap-1.5">
      <span className="text-muted">{slot} checks:</span>
      {checks?.[slot]?.map((check) => (
        <Chip key={check.name} address={`${prefix}checks.${slot}/${check.name}`} text={check.name} note={`${slot} check`} onAdd={onAdd} isBroken={isBroken} />
      ))}
    </div>
  ));
}

function Targets({ names, block, onAdd, isBroken }: { names: string[]; block: string } & Breaking) {
  const [word, setWord] = useState("");
  if (names.length === 0) return <p className="mt-1 text-sm text-muted">Rehearse once, and its targets can be chosen here.</p>;
  const shown = names.filter((name) => name.includes(word)).slice(0, 24);
  return (
    <div className="mt-2 flex flex-wrap items-center gap-1.5">
      <span className="text-muted">targets:</span>
      {names.length > 24 ? <Text label="Search targets" isHidden placeholder="search" className="w-28" value={word} onChange={(event) => setWord(event.target.value)} /> : null}
      {shown.map((name) => (
        <Chip key={name} address={`${block}/${name}/*`} text={name} note="everything on it" onAdd={onAdd} isBroken={isBroken} />
      ))}
      {names.length > shown.length ? <span className="text-muted">and {names.length - shown.length} more</span> : null}
    </div>
  );
}
