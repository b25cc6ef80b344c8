import type { ReactNode } from "react";
import { Problem } from "../api/client";
import { Button } from "./Button";

/** What is wrong, where, and what to do. */
export function Wrong({ error, again }: { error: unknown; again?: (() => void) | undefined }) {
  const problem = error instanceof Problem ? error : null;
  return (
    <div role="alert" className="rounded-md border border-bad bg-bad-soft px-4 py-3">
      <p className="font-medium text-bad">
        {problem?.message ?? String(error)}
        {problem?.code ? <span className="mono ml-2 text-muted">{problem.code}</span> : null}
      </p>
      {(problem?.problems.length ?? 0) > 1 ? (
        <ul className="mt-2 list-disc pl-5">
          {problem?.problems.slice(0, 20).map((one, at) => (
            <li key={at}>
              {one.address || one.pointer ? <span className="mono">{one.address || one.pointer}: </span> : null}
              {one.message}
              {one.hint ? <span className="text-muted"> – {one.hint}</span> : null}
            </li>
          ))}
        </ul>
      ) : null}
      {problem?.hint ? <p className="mt-1 text-text">{problem.hint}</p> : null}
      {again ? (
        <Button className="mt-2" onPress={again}>
          Try again
        </Button>
      ) : null}
    </div>
  );
}

/** Nothing is there, why, and how something comes to be there. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="px-6 py-12 text-center">
      <p className="text-base font-medium">{title}</p>
      <div className="mx-auto mt-1 max-w-xl text-muted">{children}</div>
    </div>
  );
}

export function Loading({ what }: { what: string }) {
  return (
    <p role="status" className="px-6 py-10 text-muted">
      Loading {what} …
    </p>
  );
}

/** What is shown may be old. */
export function Stale({ since }: { since: number }) {
  const at = new Date(since).toLocaleTimeString("en-GB", { hour12: false });
  return (
    <div role="status" className="rounded-md border border-warn bg-warn-soft px-3 py-1.5 text-warn">
      The connection was lost at {at}: this is how it stood then. Trying again; nothing is missed.
    </div>
  );
}
