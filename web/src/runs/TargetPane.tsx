import { Link } from "react-router";
import { useElements, useThing } from "../api/queries";
import type { Element } from "../api/types";
import { useRights } from "../lib/rights";
import { length } from "../lib/time";
import type { Node } from "../nodes/select";
import { Copy } from "../ui/Copy";
import { Empty, Loading, Wrong } from "../ui/Notice";
import { State } from "../ui/State";
import { At, Took } from "../ui/Time";
import { Json } from "./Json";

/** Everything about a target, or another element: its actions, attempts, requests, responses and diffs. */
export function TargetPane({
  namespace,
  run,
  address,
  seq,
  isNode,
}: {
  namespace: string;
  run: string;
  address: string;
  seq: number;
  isNode: boolean;
}) {
  const elements = useElements(namespace, run, address, seq);
  if (elements.isPending) return <Loading what={address} />;
  if (elements.isError) return <div className="p-4"><Wrong error={elements.error} again={() => void elements.refetch()} /></div>;
  const [own, ...parts] = elements.data.items;
  if (!own) return <Empty title="Nothing is known of it" />;
  const node = address.split("/").at(-1) ?? "";
  return (
    <div className="px-4 py-3">
      <div className="mb-3 flex flex-wrap items-center gap-x-5 gap-y-1">
        <span className="mono font-semibold">{address}</span>
        <State state={own.state} note={own.skipped ? `skipped: ${own.skipped}` : undefined} />
        <Took from={own.began} to={own.ended ?? (own.began ? undefined : own.began)} />
        {isNode ? <Link className="link" to={`/nodes/${encodeURIComponent(node)}`}>The node {node}</Link> : null}
        <Copy text={address} label="Copy address" />
        {own.waits ? <span className="text-warn">waits: {own.waits}</span> : null}
      </div>
      {own.abridged ? (
        <p className="mb-2 text-muted">Requests and responses are left out, as there are very many like it; the events have them.</p>
      ) : null}
      <ol className="flex flex-col gap-2">
        {(own.attempts?.length ? [own, ...parts] : parts).map((part) => (
          <One key={part.address} part={part} under={address} />
        ))}
      </ol>
      {parts.length === 0 && !own.attempts?.length ? <p className="text-muted">Nothing of it has begun.</p> : null}
      {isNode ? <Facts node={node} /> : null}
    </div>
  );
}

/** What the node says of itself. */
function Facts({ node }: { node: string }) {
  const { may } = useRights();
  const { data } = useThing<Node>("nodes", node, undefined, may("view", "Node"));
  const facts = data?.status?.facts;
  if (!facts || Object.keys(facts).length === 0) return null;
  return <div className="mt-2 rounded-md border border-line"><Json title={`Facts, reported ${data.status?.factsAt?.slice(0, 19).replace("T", " ") ?? ""}`} value={facts} /></div>;
}

function One({ part, under }: { part: Element; under: string }) {
  const name = part.address.startsWith(`${under}/`) ? part.address.slice(under.length + 1) : part.address;
  const failure = part.attempts?.findLast((attempt) => attempt.error)?.error;
  return (
    <li className="rounded-md border border-line">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-1 px-3 py-1.5">
        <span className="font-medium">{name}</span>
        {part.use ? <span className="mono text-muted">{part.use}</span> : null}
        <State state={part.state === "succeeded" && part.changed ? "changed" : part.state} />
        {part.would ? <span className="text-muted">would: {part.would}</span> : null}
        <span className="ml-auto text-muted">
          {part.began ? <At at={part.began} /> : null} <Took from={part.began} to={part.ended ?? undefined} />
        </span>
      </div>
      {part.asked ? <p className="px-3 pb-1.5 text-warn">A person is asked: {part.asked}</p> : null}
      {failure && part.state !== "succeeded" ? <p className="px-3 pb-1.5 text-bad">{failure.message}</p> : null}
      {part.why ? <p className="px-3 pb-1.5 text-muted">{part.why}</p> : null}
      {part.diff ? <Diff text={part.diff} /> : null}
      {part.attempts?.length ? <Attempts part={part} /> : null}
      {part.request !== undefined && part.request !== null ? <Json title="Request" value={part.request} /> : null}
      {part.saves && Object.keys(part.saves).length > 0 ? <Json title="Saved" value={part.saves} /> : null}
    </li>
  );
}

function Attempts({ part }: { part: Element }) {
  const attempts = part.attempts ?? [];
  const first = attempts[0]?.began ?? 0;
  const last = Math.max(...attempts.map((attempt) => attempt.ended ?? attempt.began), first + 1);
  return (
    <details className="border-t border-line px-3 py-1" open={attempts.length > 1}>
      <summary className="cursor-pointer text-muted">
        {attempts.length === 1 ? "1 attempt" : `${attempts.length} attempts`}
      </summary>
      {attempts.length > 1 ? (
        <svg viewBox="0 0 400 10" className="my-1 h-2.5 w-full" preserveAspectRatio="none" aria-hidden>
          {attempts.map((attempt) => (
            <rect
              key={attempt.n}
              x={((attempt.began - first) / (last - first)) * 400}
              width={Math.max(2, (((attempt.ended ?? last) - attempt.began) / (last - first)) * 400)}
              height={10}
              fill={attempt.error ? "var(--bad)" : attempt.ended ? "var(--ok)" : "var(--run)"}
            />
          ))}
        </svg>
      ) : null}
      <ul>
        {attempts.map((attempt) => (
          <li key={attempt.n} className="py-0.5">
            <span className="tabular-nums">#{attempt.n}</span> <At at={attempt.began} />{" "}
            <span className="text-muted">{attempt.ended ? length(attempt.ended - attempt.began) : "goes on"}</span>{" "}
            {attempt.error ? (
              <span className="text-bad">
                {attempt.error.message} <span className="mono text-muted">{attempt.error.code}</span>
                {attempt.error.permanent ? <span className="text-muted"> (no use trying again)</span> : null}
              </span>
            ) : null}
            {attempt.error?.causes?.map((cause, at) => (
              <div key={at} className="pl-6 text-muted">
                because: {cause}
              </div>
            ))}
            {attempt.response !== undefined && attempt.response !== null ? <Json title="Response" value={attempt.response} /> : null}
          </li>
        ))}
      </ul>
    </details>
  );
}

/** What a noop would change, or what was. */
export function Diff({ text }: { text: string }) {
  return (
    <pre tabIndex={0} className="mono overflow-x-auto border-t border-line px-3 py-2">
      {text.split("\n").map((line, at) => (
        <div
          key={at}
          className={line.startsWith("+") ? "text-ok" : line.startsWith("-") ? "text-bad" : line.startsWith("@") ? "text-muted" : ""}
        >
          {line || " "}
        </div>
      ))}
    </pre>
  );
}
