import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { path } from "../api/client";
import { bytes, count } from "../lib/words";
import { Button } from "../ui/Button";
import { Copy } from "../ui/Copy";
import { Check, Choice, LateText } from "../ui/Field";
import { Wrong } from "../ui/Notice";
import type { Line } from "./lines";
import { Log } from "./logs";

const ROW = 19;
const HEIGHT = 420;
/** How many lines above and below those in sight are drawn. */
const SPARE = 15;
const COLOURS: Record<string, string> = { error: "text-bad", warn: "text-warn", debug: "text-muted", info: "" };
const NONE = -2;

/** What actions printed and what happened in between, live or looked back at. */
export function LogPane({ namespace, run, node, onNode }: { namespace: string; run: string; node: string; onNode?: (node: string) => void }) {
  const [level, setLevel] = useState("info");
  const [text, setText] = useState("");
  const [sticks, setSticks] = useState(true);
  const [, setVersion] = useState(0);
  const [mark, setMark] = useState(-1);
  const [isLooking, setLooking] = useState(false);
  const log = useRef<Log | null>(null);
  const view = useRef<HTMLDivElement>(null);
  const dropped = useRef(0);
  const [top, setTop] = useState(0);
  useEffect(() => {
    const one = new Log({ namespace, run, node, level, text }, () => setVersion((version) => version + 1));
    log.current = one;
    dropped.current = 0;
    setMark(-1);
    // Another look begins at the end.
    setSticks(true);
    void one.follow();
    return () => one.end();
  }, [namespace, run, node, level, text]);
  const one = log.current;
  const lines = one?.lines ?? [];
  useLayoutEffect(() => {
    if (!view.current || !one) return;
    const gone = one.dropped - dropped.current;
    dropped.current = one.dropped;
    if (sticks && one.isFollowing) view.current.scrollTop = view.current.scrollHeight;
    // Whoever reads further up keeps the line that they read.
    else if (gone > 0) view.current.scrollTop -= gone * ROW;
  });
  const first = Math.max(0, Math.floor(top / ROW) - SPARE);
  const shown = lines.slice(first, first + Math.ceil(HEIGHT / ROW) + 2 * SPARE);
  /** Something that may take a while, as a file of gigabytes is looked through. */
  const looked = async (what: (one: Log) => Promise<void>) => {
    if (!one) return;
    setLooking(true);
    try {
      await what(one);
    } catch {
      // It was broken off by something else that was asked for.
    } finally {
      setLooking(false);
    }
  };
  const firstError = () =>
    looked(async (one) => {
      const offset = await one.first("error");
      if (offset < 0) {
        setMark(NONE);
        return;
      }
      setSticks(false);
      await one.lookAt(offset);
      setMark(offset);
      const at = one.lines.findIndex((line) => line.offset === offset);
      requestAnimationFrame(() => {
        if (view.current && at >= 0) view.current.scrollTop = Math.max(0, at * ROW - 100);
      });
    });
  const toBegin = () =>
    looked(async (one) => {
      setSticks(false);
      await one.begin();
      if (view.current) view.current.scrollTop = 0;
    });
  const earlier = () =>
    looked(async (one) => {
      setSticks(false);
      const more = await one.earlier();
      requestAnimationFrame(() => {
        if (view.current) view.current.scrollTop += more * ROW;
      });
    });
  const begins = one?.begins ?? 0;
  const flags = [node ? ` --node ${node}` : "", level === "info" ? "" : ` --level ${level}`].join("");
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
        <LateText label="Only lines with" isHidden type="search" placeholder="Only lines with …" value={text} onValue={setText} />
        {node && onNode ? (
          <Button onPress={() => onNode("")}>of {node} alone ✕</Button>
        ) : null}
        <Button onPress={toBegin}>Beginning</Button>
        <Button onPress={firstError}>First error</Button>
        <Button
          onPress={() => {
            setSticks(true);
            void one?.follow();
          }}
          isDisabled={one?.isFollowing ?? false}
        >
          Back to the end
        </Button>
        <Check label="Stay at the end" checked={sticks} onChange={(event) => setSticks(event.target.checked)} />
        <span className="ml-auto flex items-center gap-2">
          <Copy text={`windlass logs ${run}${flags}`} label="Copy as command" />
          <a className="link" download={`${run}.log`} href={path(["namespaces", namespace, "runs", run, "logs"], { node, from: 0 })}>
            Download
          </a>
          <span className="text-muted">{one && one.size > 0 ? bytes(one.size) : ""}</span>
        </span>
      </div>
      {one?.error ? <div className="px-4 pb-3"><Wrong error={one.error} again={() => void one.follow()} /></div> : null}
      <p role="status" className="px-4 pb-1 text-muted empty:hidden">{mark === NONE ? "There is no error in it." : isLooking ? "Looking …" : ""}</p>
      {begins > 0 ? (
        <div className="px-4 pb-1">
          <Button tone="quiet" onPress={earlier} isDisabled={isLooking}>
            Show what was before ({bytes(begins)})
          </Button>
        </div>
      ) : null}
      <div
        ref={view}
        className="mono mx-4 mb-1 overflow-auto rounded-md border border-line bg-bg"
        style={{ height: HEIGHT }}
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
            <Row key={(one?.dropped ?? 0) + first + at} line={line} top={(first + at) * ROW} isMarked={line.offset === mark && mark >= 0} />
          ))}
        </div>
      </div>
      {one?.hasMore ? (
        <div className="px-4 pb-1">
          <Button tone="quiet" onPress={() => looked((one) => one.later())} isDisabled={isLooking}>
            Show what comes behind
          </Button>
        </div>
      ) : null}
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
