import { useMemo, useState } from "react";
import { Dialog, Modal, ModalOverlay } from "react-aria-components";
import { useNavigate } from "react-router";
import { useRuns, useThings } from "../api/queries";
import type { Thing } from "../api/types";
import { useRights } from "../lib/rights";
import { look } from "../lib/words";

interface Place {
  id: string;
  text: string;
  kind: string;
  to: string;
}

const PAGES: Place[] = [
  ["All runs", "/n/~/runs"],
  ["Running now", "/n/~/runs?status=running"],
  ["Failed runs", "/n/~/runs?status=failed"],
  ["Plans", "/n/~/plans"],
  ["Inbox", "/inbox"],
  ["Nodes", "/nodes"],
  ["Freezes", "/freezes"],
  ["Budgets", "/n/~/budgets"],
  ["Audit", "/audit"],
  ["Access", "/access"],
  ["Status of the server", "/status"],
].map(([text = "", to = ""]) => ({ id: to, text, kind: "page", to }));

/** Whether the letters of a word stand in a text in their order, and how well. */
export function fits(text: string, word: string): number {
  const [hay, needle] = [text.toLowerCase(), word.toLowerCase()];
  if (needle === "") return 1;
  const at = hay.indexOf(needle);
  if (at >= 0) return 100 - Math.min(at, 50);
  let from = 0;
  for (const letter of needle) {
    const found = hay.indexOf(letter, from);
    if (found < 0) return 0;
    from = found + 1;
  }
  return 10;
}

/** Anywhere by its name. */
export function Palette({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  return (
    <ModalOverlay
      isOpen={isOpen}
      onOpenChange={(open) => !open && onClose()}
      isDismissable
      className="fixed inset-0 z-50 flex justify-center bg-black/40 p-4 pt-[12vh]"
    >
      <Modal className="card h-fit w-full max-w-xl shadow-xl">
        <Dialog aria-label="Go to" className="outline-none">
          {isOpen ? <Search onClose={onClose} /> : null}
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}

function Search({ onClose }: { onClose: () => void }) {
  const [word, setWord] = useState("");
  const [at, setAt] = useState(0);
  const navigate = useNavigate();
  const { may } = useRights();
  const runs = useRuns(may("view", "Run") ? "" : "default", { limit: 100 }, false).data?.items ?? [];
  const plans = useThings<Thing>("plans", undefined, undefined, may("view", "Run")).data ?? [];
  const nodes = useThings<Thing>("nodes", undefined, undefined, may("view", "Node")).data ?? [];
  const found = useMemo(() => {
    const places: Place[] = [
      ...PAGES,
      ...runs.map((run) => ({
        id: run.id,
        text: `${run.plan} · ${look(run.status).word} · ${run.id.slice(0, 13)}`,
        kind: "run",
        to: `/n/${run.labels?.["windlass.dev/namespace"] ?? "default"}/runs/${run.id}`,
      })),
      ...plans.map((plan) => ({
        id: `plan/${plan.metadata.namespace}/${plan.metadata.name}`,
        text: `${plan.metadata.namespace}/${plan.metadata.name}`,
        kind: "plan",
        to: `/n/${plan.metadata.namespace}/plans/${plan.metadata.name}`,
      })),
      ...nodes.map((node) => ({
        id: `node/${node.metadata.name}`,
        text: node.metadata.name,
        kind: "node",
        to: `/nodes/${node.metadata.name}`,
      })),
    ];
    return places
      .map((place) => ({ place, score: fits(`${place.text} ${place.kind}`, word) }))
      .filter(({ score }) => score > 0)
      .sort((one, other) => other.score - one.score)
      .slice(0, 12)
      .map(({ place }) => place);
  }, [runs, plans, nodes, word]);
  const go = (place: Place | undefined) => {
    if (!place) return;
    onClose();
    navigate(place.to);
  };
  return (
    <>
      <input
        // biome-ignore lint: it was opened to type in
        autoFocus
        role="combobox"
        aria-expanded
        aria-controls="palette"
        aria-activedescendant={found[at] ? `to-${at}` : undefined}
        aria-label="Go to a page, run, plan or node"
        placeholder="A page, run, plan or node"
        className="w-full rounded-t-lg border-b border-line bg-panel px-4 py-3 text-base outline-none"
        value={word}
        onChange={(event) => {
          setWord(event.target.value);
          setAt(0);
        }}
        onKeyDown={(event) => {
          if (event.key === "ArrowDown") setAt(Math.min(at + 1, found.length - 1));
          else if (event.key === "ArrowUp") setAt(Math.max(at - 1, 0));
          else if (event.key === "Enter") go(found[at]);
          else return;
          event.preventDefault();
        }}
      />
      <div id="palette" role="listbox" aria-label="Places" className="max-h-80 overflow-auto py-1">
        {found.map((place, index) => (
          <div
            key={place.id}
            id={`to-${index}`}
            role="option"
            aria-selected={index === at}
            className={`flex cursor-pointer justify-between gap-3 px-4 py-1.5 ${index === at ? "bg-accent-soft" : ""}`}
            onMouseEnter={() => setAt(index)}
            onMouseDown={() => go(place)}
          >
            <span className="truncate">{place.text}</span>
            <span className="text-muted">{place.kind}</span>
          </div>
        ))}
        {found.length === 0 ? <p className="px-4 py-3 text-muted">Nothing is called so.</p> : null}
      </div>
    </>
  );
}
