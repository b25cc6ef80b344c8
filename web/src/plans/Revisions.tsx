import { useQuery } from "@tanstack/react-query";
import { useSearchParams } from "react-router";
import { ask, path } from "../api/client";
import { kindPath } from "../api/queries";
import { yaml } from "../lib/yaml";
import { Choice } from "../ui/Field";
import { Loading, Wrong } from "../ui/Notice";
import { Part } from "../ui/Page";
import { Ago } from "../ui/Time";
import { difference } from "./difference";

interface Revision {
  number: number;
  by: string;
  at: string;
  spec: unknown;
}

/** What an object was, by whom, and what any two of its revisions differ in. */
export function Revisions({ plural, name, namespace }: { plural: string; name: string; namespace?: string }) {
  const [asked, setAsked] = useSearchParams();
  const revisions = useQuery({
    queryKey: ["revisions", plural, namespace, name],
    queryFn: () => ask<{ items: Revision[] }>(path([...kindPath(plural, namespace), name, "revisions"], { limit: 200 })),
  });
  if (revisions.isError) return <Wrong error={revisions.error} />;
  if (!revisions.data) return <Loading what="revisions" />;
  const { items } = revisions.data;
  const newest = items[0]?.number ?? 1;
  const to = Number(asked.get("to") ?? newest);
  const from = Number(asked.get("from") ?? Math.max(1, to - 1));
  const find = (number: number) => items.find((one) => one.number === number);
  const set = (key: string, value: string) =>
    setAsked((before) => {
      const next = new URLSearchParams(before);
      next.set(key, value);
      return next;
    });
  const choices = items.map((one) => [String(one.number), `${one.number}, ${one.by}`] as const);
  const lines = difference(text(find(from)?.spec), text(find(to)?.spec));
  return (
    <>
      <Part title="Revisions">
        <table className="list">
          <thead><tr><th>#</th><th>By</th><th>When</th><th><span className="sr-only">Compare</span></th></tr></thead>
          <tbody>
            {items.map((one) => (
              <tr key={one.number}>
                <td className="tabular-nums">{one.number}</td>
                <td>{one.by}</td>
                <td><Ago at={one.at} /></td>
                <td>
                  <button type="button" className="link cursor-pointer" onClick={() => { set("to", String(one.number)); set("from", String(Math.max(1, one.number - 1))); }}>
                    what it changed
                  </button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Part>
      <Part
        title={`From ${from} to ${to}`}
        actions={
          <>
            <Choice label="From" isHidden value={String(from)} onChange={(event) => set("from", event.target.value)} of={choices} />
            <Choice label="To" isHidden value={String(to)} onChange={(event) => set("to", event.target.value)} of={choices} />
          </>
        }
      >
        {lines.every((line) => line.sign === " ") ? (
          <p className="px-4 py-3 text-muted">They are the same.</p>
        ) : (
          <pre tabIndex={0} className="mono overflow-x-auto py-2">
            {lines.map((line, at) => (
              <div key={at} className={`px-4 ${line.sign === "+" ? "bg-accent-soft text-ok" : line.sign === "-" ? "bg-bad-soft text-bad" : "text-muted"}`}>
                {line.sign} {line.text}
              </div>
            ))}
          </pre>
        )}
      </Part>
    </>
  );
}

function text(value: unknown): string {
  return value === undefined ? "" : yaml(value).trimStart();
}
