import { useMutation } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { Link, useParams, useSearchParams } from "react-router";
import { ask, path, type Problem } from "../api/client";
import { useThing } from "../api/queries";
import type { Rehearsed } from "../api/types";
import { Params, typed, usual } from "../plans/Params";
import { blocksOf, type Plan } from "../plans/plan";
import { Button } from "../ui/Button";
import { Copy } from "../ui/Copy";
import { Text } from "../ui/Field";
import { Loading, Wrong } from "../ui/Notice";
import { Page, Part } from "../ui/Page";
import { FaultRow } from "./FaultRow";
import { type Fault, read, write } from "./faults";
import { Outcome } from "./Outcome";
import { Stage } from "./Stage";

/** A plan is rehearsed in the browser: put faults on it, press, and see what would be. Everything stands in the address. */
export function RehearsePage() {
  const { ns: namespace = "", plan: name = "" } = useParams();
  const plan = useThing<Plan>("plans", name, namespace);
  if (plan.isError) return <Page title={name}><Wrong error={plan.error} /></Page>;
  if (!plan.data) return <Loading what={name} />;
  return <Rehearsing namespace={namespace} plan={plan.data} />;
}

function Rehearsing({ namespace, plan }: { namespace: string; plan: Plan }) {
  const [asked, setAsked] = useSearchParams();
  const declared = plan.spec.params ?? {};
  const stepSet = asked.get("stepSet") ?? "default";
  const faults = useMemo(() => asked.getAll("fault").map(read).filter((fault) => fault !== null), [asked]);
  const [values, setValues] = useState(() => ({ ...usual(declared), ...Object.fromEntries(asked.getAll("p").map((text) => text.split(/=(.*)/s).slice(0, 2) as [string, string])) }));
  const [targets, setTargets] = useState(asked.get("targets") ?? "");
  const [seed, setSeed] = useState(asked.get("seed") ?? "7");
  const [crash, setCrash] = useState(asked.get("crash") ?? "");
  const given = typed(declared, values);
  const put = (all: Fault[]) =>
    setAsked(
      (before) => {
        const next = new URLSearchParams(before);
        next.delete("fault");
        for (const fault of all) next.append("fault", write(fault));
        return next;
      },
      { replace: true },
    );
  const play = useMutation<Rehearsed, Problem>({
    mutationFn: () =>
      ask<Rehearsed>(path(["namespaces", namespace, "runs", "rehearse"]), {
        method: "POST",
        body: {
          plan: plan.metadata.name,
          typedParams: given,
          faults: faults.map(write),
          ...(stepSet === "default" ? {} : { stepSet }),
          ...(targets ? { targets: Number(targets) } : {}),
          ...(seed ? { seed: Number(seed) } : {}),
          crashAt: crash.split(/[ ,]+/).filter(Boolean).map(Number),
        },
      }),
  });
  const go = () => {
    setAsked(
      (before) => {
        const next = new URLSearchParams(before);
        for (const key of ["p", "targets", "seed", "crash"]) next.delete(key);
        for (const [key, value] of Object.entries(given)) {
          if (declared[key]?.type !== "secret") next.append("p", `${key}=${value}`);
        }
        if (targets) next.set("targets", targets);
        if (seed && seed !== "7") next.set("seed", seed);
        if (crash) next.set("crash", crash);
        next.set("played", "1");
        return next;
      },
      { replace: true },
    );
    play.mutate();
  };
  // A link that was shared shows what it was shared for.
  const hasPlayed = useRef(false);
  useEffect(() => {
    if (asked.get("played") && !hasPlayed.current) {
      hasPlayed.current = true;
      play.mutate();
    }
  });
  const add = (address: string) => {
    if (!faults.some((fault) => fault.address === address)) {
      put([...faults, { address, attempts: "", percent: "", window: "", kind: "fail", length: "" }]);
    }
  };
  return (
    <Page
      about={`Rehearsal of ${plan.metadata.name}`}
      title={
        <>
          Rehearsal of{" "}
          <Link className="link" to={`/n/${namespace}/plans/${plan.metadata.name}`}>
            {plan.metadata.name}
          </Link>
        </>
      }
      actions={
        <>
          <Copy text={location.href} label="Copy link" />
          <Button tone="primary" onPress={go} isDisabled={play.isPending}>
            {play.isPending ? "Playing …" : "Rehearse"}
          </Button>
        </>
      }
    >
      <p className="mb-3 text-muted">
        The engine that runs it for real, in virtual time and against simulated targets: nothing is touched. Click what is to go wrong.
      </p>
      <Part title="The stage">
        <Stage spec={plan.spec} blocks={blocksOf(plan.spec, stepSet)} faults={faults} onAdd={add} board={play.data?.board} />
      </Part>
      <Part title={faults.length === 0 ? "Nothing goes wrong" : "What goes wrong"}>
        <div className="flex flex-col gap-2 px-4 py-3">
          {faults.map((fault, at) => (
            <FaultRow
              key={at}
              fault={fault}
              isIdle={play.data?.idle.includes(write(fault)) ?? false}
              onChange={(next) => put(faults.map((one, index) => (index === at ? next : one)))}
              onRemove={() => put(faults.filter((_, index) => index !== at))}
            />
          ))}
          <div>
            <Button tone="quiet" onPress={() => put([...faults, { address: "*", attempts: "", percent: "", window: "", kind: "fail", length: "" }])}>
              Add a fault by its address
            </Button>
          </div>
        </div>
      </Part>
      <details className="card mb-4 px-4 py-2">
        <summary className="cursor-pointer font-semibold">Parameters, targets, chance</summary>
        <div className="flex flex-col gap-3 py-3">
          <Params params={declared} values={values} onValue={(key, value) => setValues({ ...values, [key]: value })} />
          <div className="grid grid-cols-[repeat(auto-fill,minmax(220px,1fr))] gap-3">
            <Text label="Simulated targets" type="number" min={1} max={20000} hint="in the place of every selection; the real ones where it is empty" value={targets} onChange={(event) => setTargets(event.target.value)} />
            <Text label="Seed" type="number" min={0} hint="the same seed gives the same rehearsal" value={seed} onChange={(event) => setSeed(event.target.value)} />
            <Text label="Windlass dies after events" hint="such as 120, 300: it goes on from its log" value={crash} onChange={(event) => setCrash(event.target.value)} />
          </div>
        </div>
      </details>
      {play.isError ? <Wrong error={play.error} /> : null}
      {play.data ? (
        <Outcome seen={play.data} plan={plan.metadata.name} faults={faults.map(write)} params={given} stepSet={stepSet} targets={targets} />
      ) : null}
    </Page>
  );
}
