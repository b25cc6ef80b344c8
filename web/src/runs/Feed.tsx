import { useState } from "react";
import { path } from "../api/client";
import type { RunEvent } from "../api/types";
import { clock, exact } from "../lib/time";
import { Text } from "../ui/Field";
import { Empty } from "../ui/Notice";
import type { LiveBoard } from "./live";
import { LIVELY, useChanges } from "./useLive";

const ROW = 28;
const SHOWN = 20;

/** The newest events, as they come. All of them are behind the link. */
export function Feed({ live, namespace }: { live: LiveBoard; namespace: string }) {
  const [word, setWord] = useState("");
  const [top, setTop] = useState(0);
  useChanges(live, LIVELY);
  const needle = word.toLowerCase();
  const found = live.feed.filter((event) => needle === "" || `${event.kind} ${event.address} ${says(event)}`.toLowerCase().includes(needle));
  const first = Math.max(0, Math.floor(top / ROW) - 3);
  const shown = found.toReversed().slice(first, first + SHOWN + 6);
  const all = path(["namespaces", namespace, "runs", live.board.run.id, "events"], { follow: false });
  return (
    <section className="card pb-3" aria-label="Events">
      <div className="flex items-center gap-3 px-4 py-2">
        <Text label="Only events with" isHidden type="search" placeholder="Only events with …" value={word} onChange={(event) => setWord(event.target.value)} />
        <a className="link ml-auto" href={all} target="_blank" rel="noreferrer">
          All {live.seq}
        </a>
      </div>
      {found.length === 0 ? (
        <Empty title={word === "" ? "No events since this page was opened" : "No event is like that"}>What happens from now on comes here by itself.</Empty>
      ) : (
        <div
          className="mx-4 overflow-auto rounded-md border border-line"
          style={{ height: Math.min(SHOWN, found.length) * ROW + 2 }}
          role="list"
          aria-label="The newest events"
          tabIndex={0}
          onScroll={(event) => setTop(event.currentTarget.scrollTop)}
        >
          <div style={{ height: found.length * ROW, position: "relative" }}>
            {shown.map((event, row) => (
              <div key={event.seq} role="listitem" className="absolute right-0 left-0 flex items-center gap-4 border-b border-line px-3 whitespace-nowrap" style={{ top: (first + row) * ROW, height: ROW }}>
                <span className="w-20 text-muted tabular-nums">{event.seq}</span>
                <span className="w-20 tabular-nums" title={exact(Date.parse(event.at))}>
                  {clock(Date.parse(event.at))}
                </span>
                <span className="w-32">{event.kind}</span>
                <span className="mono w-96 truncate">{event.address}</span>
                <span className="min-w-0 flex-1 truncate text-muted">{says(event)}</span>
              </div>
            ))}
          </div>
        </div>
      )}
    </section>
  );
}

function says(event: RunEvent): string {
  const parts = [event.status, event.error?.message, event.message, event.by, event.why, event.wait, event.lock, event.phase, event.command];
  return parts.filter(Boolean).join(" · ");
}
