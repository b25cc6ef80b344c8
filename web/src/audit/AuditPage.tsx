import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { ask, path, type Problem } from "../api/client";
import { useAudit } from "../api/queries";
import { count } from "../lib/words";
import { Button } from "../ui/Button";
import { Choice, Text } from "../ui/Field";
import { Empty, Loading, Wrong } from "../ui/Notice";
import { Page } from "../ui/Page";
import { At } from "../ui/Time";
import { Json } from "../runs/Json";

interface Verified {
  whole?: boolean;
  entries?: number;
  [key: string]: unknown;
}

/** Who did what, from where; and whether the record is whole. */
export function AuditPage() {
  const [before, setBefore] = useState<number | undefined>();
  const [word, setWord] = useState("");
  const [outcome, setOutcome] = useState("");
  const audit = useAudit(before);
  const verify = useMutation<Verified, Problem>({ mutationFn: () => ask<Verified>(path(["audit", "verify"])) });
  const needle = word.toLowerCase();
  const items = (audit.data?.items ?? []).filter(({ what }) => {
    const text = `${what.user} ${what.verb} ${what.resource} ${what.from}`.toLowerCase();
    return text.includes(needle) && (outcome === "" || what.outcome === outcome);
  });
  return (
    <Page
      title="Audit"
      actions={
        <Button onPress={() => verify.mutate()} isDisabled={verify.isPending}>
          {verify.isPending ? "Checking …" : "Check the chain"}
        </Button>
      }
    >
      {verify.isError ? <Wrong error={verify.error} /> : null}
      {verify.data ? (
        <p role="status" className={`mb-3 rounded-md border px-3 py-2 ${verify.data.whole === false ? "border-bad bg-bad-soft text-bad" : "border-ok text-ok"}`}>
          {verify.data.whole === false ? "The record is NOT whole: " : "The record is whole: "}
          <span className="mono">{JSON.stringify(verify.data)}</span>
        </p>
      ) : null}
      <search className="mb-3 flex items-end gap-2">
        <Text label="User, verb, resource or address" isHidden type="search" placeholder="User, verb, resource, address" className="w-72" value={word} onChange={(event) => setWord(event.target.value)} />
        <Choice label="Outcome" isHidden value={outcome} onChange={(event) => setOutcome(event.target.value)} of={[["", "every outcome"], ["done", "done"], ["denied", "denied"], ["failed", "refused"]]} />
        <span className="pb-1 text-muted">{count(items.length, "entry", "entries")} of this page</span>
      </search>
      {audit.isError ? <Wrong error={audit.error} again={() => void audit.refetch()} /> : null}
      {audit.isPending ? <Loading what="the record" /> : null}
      {audit.data ? (
        <div className="card overflow-x-auto">
          {items.length === 0 ? (
            <Empty title="Nothing like that on this page">Every change, every sign-in and every refusal is noted.</Empty>
          ) : (
            <table className="list">
              <thead><tr><th>#</th><th>When</th><th>Who</th><th>What</th><th>Of what</th><th>From</th><th>Outcome</th><th>More</th></tr></thead>
              <tbody>
                {items.map((entry) => (
                  <tr key={entry.seq}>
                    <td className="text-muted tabular-nums">{entry.seq}</td>
                    <td><At at={entry.what.at / 1000} /></td>
                    <td className="font-medium">{entry.what.user}</td>
                    <td>{entry.what.verb}</td>
                    <td className="mono">{entry.what.resource}</td>
                    <td className="mono text-muted">{entry.what.from}</td>
                    <td className={entry.what.outcome === "done" ? "" : "text-bad"}>{entry.what.outcome}</td>
                    <td className="max-w-md">
                      {entry.what.before || entry.what.after ? <Json title="before and after" value={{ before: entry.what.before, after: entry.what.after }} /> : null}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
        </div>
      ) : null}
      <div className="mt-3 flex gap-2">
        {before ? <Button onPress={() => setBefore(undefined)}>The newest</Button> : null}
        {audit.data?.items.length ? <Button onPress={() => setBefore(audit.data?.items.at(-1)?.seq)}>Older</Button> : null}
      </div>
    </Page>
  );
}
