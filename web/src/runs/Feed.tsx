import { useEffect, useState } from "react";
import { path } from "../api/client";
import type { RunEvent } from "../api/types";
import { clock, exact } from "../lib/time";
import { Text } from "../ui/Field";
import { Empty } from "../ui/Notice";
import type { LiveBoard } from "./live";

/** The newest events, as they come. All of them are behind the link. */
export function Feed({ live, namespace }: { live: LiveBoard; namespace: string }) {
  const [word, setWord] = useState("");
  const [, setVersion] = useState(0);
  useEffect(() => live.subscribe(() => setVersion(live.version)), [live]);
  const needle = word.toLowerCase();
  const shown = live.feed
    .filter((event) => needle === "" || `${event.kind} ${event.address} ${says(event)}`.toLowerCase().includes(needle))
    .toReversed()
    .slice(0, 200);
  const all = path(["namespaces", namespace, "runs", live.board.run.id, "events"], { follow: false });
  return (
    <section className="card" aria-label="Events">
      <div className="flex items-center gap-3 px-4 py-2">
        <Text label="Only events with" isHidden type="search" placeholder="Only events with …" value={word} onChange={(event) => setWord(event.target.value)} />
        <a className="link ml-auto" href={all} target="_blank" rel="noreferrer">
          All {live.seq}
        </a>
      </div>
      {shown.length === 0 ? (
        <Empty title="No events since this page was opened">What happens from now on comes here by itself.</Empty>
      ) : (
        <table className="list">
          <thead>
            <tr>
              <th>#</th>
              <th>When</th>
              <th>What</th>
              <th>Of what</th>
              <th>More</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((event) => (
              <tr key={event.seq}>
                <td className="tabular-nums text-muted">{event.seq}</td>
                <td className="tabular-nums" title={exact(Date.parse(event.at))}>
                  {clock(Date.parse(event.at))}
                </td>
                <td>{event.kind}</td>
                <td className="mono">{event.address}</td>
                <td className="max-w-xl truncate text-muted">{says(event)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function says(event: RunEvent): string {
  const parts = [event.status, event.error?.message, event.message, event.by, event.why, event.wait, event.lock, event.phase, event.command];
  return parts.filter(Boolean).join(" · ");
}
