import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { path } from "../api/client";
import { useBoard } from "../api/queries";
import { useStream } from "../api/stream";
import type { RunEvent } from "../api/types";
import { isOver } from "../lib/words";
import { KINDS, LiveBoard } from "./live";

/** How soon the board is drawn anew by the server after something larger has changed, and how often at the most. */
const SOON = 120;
const EVERY = 1_000;

/** A run that goes on while it is looked at. */
export function useLive(namespace: string, run: string) {
  const query = useBoard(namespace, run);
  const queries = useQueryClient();
  const [live, setLive] = useState<LiveBoard | null>(null);
  const kept = useRef<LiveBoard | null>(null);
  const asked = useRef<{ timer: ReturnType<typeof setTimeout> | undefined; at: number }>({ timer: undefined, at: 0 });
  const board = query.data;
  useEffect(() => {
    if (!board) return;
    if (kept.current && kept.current.board.run.id === board.run.id) {
      kept.current.take(board);
      return;
    }
    kept.current = new LiveBoard(board);
    setLive(kept.current);
  }, [board]);
  useEffect(() => () => clearTimeout(asked.current.timer), []);
  const again = () => {
    if (asked.current.timer !== undefined) return;
    const wait = Math.max(SOON, asked.current.at + EVERY - Date.now());
    asked.current.timer = setTimeout(() => {
      asked.current = { timer: undefined, at: Date.now() };
      void queries.invalidateQueries({ queryKey: ["board", namespace, run] });
    }, wait);
  };
  const isLive = live !== null && live.board.run.id === run && !isOver(live.board.run.status);
  const from = useRef(0);
  if (live && from.current === 0) from.current = live.seq + 1;
  useStream(
    isLive
      ? (last) =>
          path(["namespaces", namespace, "runs", run, "events"], {
            from: last === "" ? from.current : Number(last) + 1,
          })
      : null,
    {
      kinds: KINDS,
      isLast: (kind) => kind === "finished",
      on: (_, data) => {
        const event = JSON.parse(data) as RunEvent;
        if (kept.current?.apply(event)) again();
      },
    },
  );
  useChanges(live, CALM);
  return { live, query };
}

/** How often words and numbers are drawn anew at the most: more often, nobody could read them. Cells are drawn for each picture. */
export const LIVELY = 80;
/** The same for the whole of a page. */
const CALM = 250;

/** Draws something anew when a run has changed, not more often than every so many milliseconds; gives a number that grows with it. */
export function useChanges(live: LiveBoard | null, every: number): number {
  const [version, setVersion] = useState(0);
  useEffect(() => live?.subscribe(() => setVersion(live.version), every), [live, every]);
  return version;
}
