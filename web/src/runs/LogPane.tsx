import { useEffect, useRef, useState } from "react";
import { path } from "../api/client";
import { bytes, count } from "../lib/words";
import { Button } from "../ui/Button";
import { Check, Choice, Text } from "../ui/Field";
import { Wrong } from "../ui/Notice";
import type { Line } from "./lines";
import { Log } from "./logs";

const ROW = 19;
const COLOURS: Record<string, string> = { error: "text-bad", warn: "text-warn", debug: "text-muted", info: "" };

/** What actions printed and what happened in between, live or looked back at. */
export function LogPane({ namespace, run, node, onNode }: { namespace: string; run: string; node: string; onNode?: (node: string) => void }) {
  const [level, setLevel] = useState("info");
  const [word, setWord] = useState("");
  const [sticks, setSticks] = useState(true);
  const [, setVersion] = useState(0);
  const [mark, setMark] = useState(-1);
  const log = useRef<Log | null>(null);
  const view = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  useEffect(() => {
    const one = new Log({ namespace, run, node, level }, () => setVersion((version) => version + 1));
    log.current = one;
    setMark(-1);
    void one.follow();
    return () => one.end();
  }, [namespace, run, node, level]);
  const one = log.current;
  const needle = word.toLowerCase();
  const lines = (one?.lines ?? []).filter(
    (line) => needle === "" || line.text.toLowerCase().includes(needle) || line.address.toLowerCase().includes(needle),
  );
  useEffect(() => {
    if (sticks && view.current && one?.isFollowing) view.current.scrollTop = view.current.scrollHeight;
  });
  const first = Math.max(0, Math.floor(top / ROW) - 10);
  const shown = lines.slice(first, first + 80);
  const firstError = async () => {
    const offset = await one?.first("error");
    if (offset === undefined || !one) return;
    if (offset < 0) {
      setMark(-2);
      return;
    }
    setSticks(false);
    await one.lookAt(offset);
    setMark(offset);
    const at = one.lines.findIndex((line) => line.offset === offset);
    if (view.current && at >= 0) view.current.scrollTop = Math.max(0, at * ROW - 100);
  };
  const earlier = async () => {
    setSticks(false);
    const more = (await one?.earlier()) ?? 0;
    if (view.current) view.current.scrollTop += more * ROW;
  };
  const begin = one?.lines[0]?.offset ?? 0;
  return (
    <div>
      <div className="flex flex-wrap items-center gap-2 px-4 py-2">
        <Choice
          label="Level"
          isHidden
          value={level}
          onChange={(event) => setLevel(event.target.value)}
          of={[["debug", "everything"], ["info", "info and above"], ["warn", "warnings and errors"], ["error", "errors"]]}
        />
        <Text label="Only lines with" isHidden type="search" placeholder="Only lines with …" value={word} onChange={(event) => setWord(event.target.value)} />
        {node && onNode ? (
          <Button onPress={() => onNode("")}>of {node} alone ✕</Button>
        ) : null}
        <Button onPress={firstError}>First error</Button>
        <Button onPress={() => void one?.follow().then(() => undefined)} isDisabled={one?.isFollowing ?? false}>
          Back to the end
        </Button>
        <Check label="Stay at the end" checked={sticks} onChange={(event) => setSticks(event.target.checked)} />
        <a className="link ml-auto" download={`${run}.log`} href={path(["namespaces", namespace, "runs", run, "logs"], { node, from: 0 })}>
          Download
        </a>
        <span className="text-muted">{one && one.size > 0 ? bytes(one.size) : ""}</span>
      </div>
      {one?.error ? <div className="px-4 pb-3"><Wrong error={one.error} again={() => void one.follow()} /></div> : null}
      {mark === -2 ? <p role="status" className="px-4 pb-1 text-muted">There is no error in it.</p> : null}
      {begin > 0 ? (
        <div className="px-4 pb-1">
          <Button tone="quiet" onPress={earlier}>
            Show what was before ({bytes(begin)})
          </Button>
        </div>
      ) : null}
      <div
        ref={view}
        className="mono mx-4 mb-1 overflow-auto rounded-md border border-line bg-bg"
        style={{ height: 420 }}
        tabIndex={0}
        role="log"
        aria-live="off"
        aria-label={node ? `Log of ${node}` : "Log"}
        onScroll={(event) => {
          const { scrollTop, scrollHeight, clientHeight } = event.currentTarget;
          setTop(scrollTop);
          if (scrollTop + clientHeight < scrollHeight - 40 && sticks) setSticks(false);
        }}
      >
        <div style={{ height: lines.length * ROW, position: "relative", minWidth: "max-content" }}>
          {shown.map((line, at) => (
            <Row key={first + at} line={line} top={(first + at) * ROW} isMarked={line.offset === mark && mark >= 0} />
          ))}
        </div>
      </div>
      <p className="px-4 pb-3 text-sm text-muted">
        {count(lines.length, "line")} {one?.isOver ? "· the run is over" : one?.isFollowing ? "· live" : ""}
      </p>
    </div>
  );
}

function Row({ line, top, isMarked }: { line: Line; top: number; isMarked: boolean }) {
  return (
    <div
      className={`absolute left-0 flex gap-3 px-2 whitespace-pre ${COLOURS[line.level] ?? ""} ${isMarked ? "bg-bad-soft" : ""}`}
      style={{ top, height: ROW, lineHeight: `${ROW}px` }}
    >
      <span className="text-muted" title={line.at}>
        {line.at.slice(11, 23)}
      </span>
      <span className="inline-block w-72 truncate text-muted" title={line.address}>
        {line.address === "-" ? "" : line.address}
      </span>
      <span>
        {line.source === "event" ? "• " : ""}
        {line.text}
      </span>
    </div>
  );
}
