import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate } from "react-router";
import { ask, path, type Problem } from "../api/client";
import { useChange } from "../api/queries";
import type { Rehearsed, RunPreview, Submitted } from "../api/types";
import { count, grouped } from "../lib/words";
import { Button } from "../ui/Button";
import { Command } from "../ui/Copy";
import { Check, Text } from "../ui/Field";
import { Wrong } from "../ui/Notice";
import { Part } from "../ui/Page";
import { Params, typed, usual } from "./Params";
import type { Plan } from "./plan";

/** First what would be: whom it touches, how bad it can get, what would refuse it. Then it is started. */
export function StartRun({ namespace, plan, stepSet }: { namespace: string; plan: Plan; stepSet: string }) {
  const params = plan.spec.params ?? {};
  const [values, setValues] = useState(() => usual(params));
  const [selection, setSelection] = useState("");
  const [noop, setNoop] = useState(false);
  const [why, setWhy] = useState("");
  const navigate = useNavigate();
  const body = () => ({
    plan: plan.metadata.name,
    typedParams: typed(params, values),
    noop,
    ...(stepSet === "default" ? {} : { stepSet }),
    ...(selection.trim() === "" ? {} : { selection: selection.trim() }),
  });
  const runs = ["namespaces", namespace, "runs"];
  const preview = useMutation<[RunPreview, Rehearsed], Problem>({
    mutationFn: () =>
      Promise.all([
        ask<RunPreview>(path([...runs, "preview"]), { method: "POST", body: body() }),
        ask<Rehearsed>(path([...runs, "rehearse"]), { method: "POST", body: body() }),
      ]),
  });
  const start = useChange(() => ask<Submitted>(path(runs), { method: "POST", body: { ...body(), why } }));
  const change = (name: string, value: string) => {
    setValues({ ...values, [name]: value });
    preview.reset();
  };
  const flags = Object.entries(typed(params, values)).map(([name, value]) => ` -p ${name}=${/^[\w.-]+$/.test(value) ? value : JSON.stringify(value)}`);
  const command = `windlass run ${plan.metadata.name}${stepSet === "default" ? "" : ` --stepset ${stepSet}`}${flags.join("")}${selection.trim() ? ` --selection ${JSON.stringify(selection.trim())}` : ""}${noop ? " --noop" : ""} --context NAME`;
  const [seen, rehearsed] = preview.data ?? [];
  const targets = seen?.blocks.reduce((sum, block) => sum + block.targets, 0) ?? 0;
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        preview.mutate();
      }}
    >
      <Part title="Parameters">
        <div className="flex flex-col gap-4 px-4 py-3">
          <Params params={params} values={values} onValue={change} />
          <div className="grid grid-cols-[repeat(auto-fill,minmax(260px,1fr))] gap-3">
            <Text
              label="Only on"
              hint="A selection that narrows the targets, such as @web,!label:rack=r2"
              value={selection}
              onChange={(event) => {
                setSelection(event.target.value);
                preview.reset();
              }}
            />
            <Text label="Why" hint="It stands in the record." value={why} onChange={(event) => setWhy(event.target.value)} />
            <div className="self-center">
              <Check
                label="Noop: only look what would change"
                checked={noop}
                onChange={(event) => {
                  setNoop(event.target.checked);
                  preview.reset();
                }}
              />
            </div>
          </div>
          <Command text={command} />
          <div>
            <Button type="submit" tone={preview.data ? "plain" : "primary"} isDisabled={preview.isPending}>
              {preview.isPending ? "Looking …" : "Preview"}
            </Button>
          </div>
        </div>
      </Part>
      {preview.isError ? <Wrong error={preview.error} /> : null}
      {seen && rehearsed ? (
        <Part title={`It would work on ${count(targets, "target")}`}>
          <div className="px-4 py-3">
            {seen.refusals.length > 0 ? (
              <div role="alert" className="mb-3 rounded-md border border-bad bg-bad-soft px-3 py-2">
                <p className="font-medium text-bad">It would be refused:</p>
                <ul className="list-disc pl-5">{seen.refusals.map((one) => <li key={one}>{one}</li>)}</ul>
              </div>
            ) : null}
            {seen.approvals > 0 ? <p className="mb-2 text-warn">{count(seen.approvals, "person must approve it", "people must approve it")} before it begins.</p> : null}
            <table className="list">
              <thead><tr><th>Block</th><th>Targets</th><th>First</th><th>Worst case</th></tr></thead>
              <tbody>
                {seen.blocks.map((block, at) => (
                  <tr key={block.name}>
                    <td className="font-medium">{block.name}</td>
                    <td className="tabular-nums">{block.choosesLate ? "chosen when it begins" : grouped(block.targets)}</td>
                    <td className="mono max-w-md truncate">{block.first.join(" ")}</td>
                    <td>{rehearsed.worst[at]?.words ?? ""}</td>
                  </tr>
                ))}
              </tbody>
            </table>
            {start.isError ? <div className="mt-3"><Wrong error={start.error} /></div> : null}
            <div className="mt-3 flex justify-end">
              <Button
                tone="primary"
                isDisabled={start.isPending || seen.refusals.length > 0}
                onPress={() => start.mutate(undefined, { onSuccess: (made) => navigate(`/n/${namespace}/runs/${made.run}`) })}
              >
                {noop ? "Look" : `Start on ${count(targets, "target")}`}
              </Button>
            </div>
          </div>
        </Part>
      ) : null}
    </form>
  );
}
