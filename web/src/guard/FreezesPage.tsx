import { useState } from "react";
import { ask, path } from "../api/client";
import { apply, useChange, useThings } from "../api/queries";
import type { Thing } from "../api/types";
import { useRights } from "../lib/rights";
import { Button } from "../ui/Button";
import { Command } from "../ui/Copy";
import { Dialog } from "../ui/Dialog";
import { Text } from "../ui/Field";
import { Empty, Loading, Wrong } from "../ui/Notice";
import { Page } from "../ui/Page";
import { Ago } from "../ui/Time";

type Freeze = Thing<{ reason: string; namespaces?: string[] | string; plans?: string[] | string; labels?: string[] | string }>;

function list(value: string[] | string | undefined): string {
  return Array.isArray(value) ? value.join(", ") : (value ?? "");
}

function scope({ spec }: Freeze): string {
  const parts = [
    ["namespaces", list(spec.namespaces)],
    ["plans", list(spec.plans)],
    ["labels", list(spec.labels)],
  ].filter(([, text]) => text);
  return parts.length === 0 ? "everything" : parts.map(([what, text]) => `${what} ${text}`).join("; ");
}

/** What must not change for now. */
export function FreezesPage() {
  const freezes = useThings<Freeze>("freezes");
  const { may } = useRights();
  const [isMaking, setMaking] = useState(false);
  const [lifted, setLifted] = useState<Freeze | null>(null);
  const lift = useChange((name: string) => ask(path(["freezes", name]), { method: "DELETE" }));
  const writes = may("write", "Freeze");
  return (
    <Page title="Freezes" actions={writes ? <Button tone="danger" onPress={() => setMaking(true)}>Freeze …</Button> : null}>
      {freezes.isError ? <Wrong error={freezes.error} again={() => void freezes.refetch()} /> : null}
      {freezes.isPending ? <Loading what="freezes" /> : null}
      {freezes.data ? (
        <div className="card overflow-x-auto">
          {freezes.data.length === 0 ? (
            <Empty title="Nothing is frozen">A freeze refuses new runs in its scope, and stops those that are under way, at once.</Empty>
          ) : (
            <table className="list">
              <thead><tr><th>Name</th><th>Covers</th><th>Why</th><th>Since</th><th><span className="sr-only">Lift</span></th></tr></thead>
              <tbody>
                {freezes.data.map((freeze) => (
                  <tr key={freeze.metadata.uid}>
                    <td className="font-medium">❄ {freeze.metadata.name}</td>
                    <td>{scope(freeze)}</td>
                    <td>{freeze.spec.reason}</td>
                    <td><Ago at={freeze.metadata.createdAt} /></td>
                    <td>{writes ? <Button onPress={() => setLifted(freeze)}>Lift</Button> : null}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
        </div>
      ) : null}
      {isMaking ? <Make onClose={() => setMaking(false)} /> : null}
      {lifted ? (
        <Dialog title={`Lift ${lifted.metadata.name}?`} isOpen onClose={() => setLifted(null)}>
          <p className="mb-3">Runs in {scope(lifted)} may begin again. Runs that it stopped stay stopped; retry those that you want.</p>
          <Command text={`windlass delete freezes ${lifted.metadata.name}`} />
          {lift.isError ? <Wrong error={lift.error} /> : null}
          <div className="mt-3 flex justify-end gap-2">
            <Button onPress={() => setLifted(null)}>Leave it</Button>
            <Button tone="primary" onPress={() => lift.mutate(lifted.metadata.name, { onSuccess: () => setLifted(null) })}>Lift</Button>
          </div>
        </Dialog>
      ) : null}
    </Page>
  );
}

function Make({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const [reason, setReason] = useState("");
  const [namespaces, setNamespaces] = useState("");
  const [plans, setPlans] = useState("");
  const [labels, setLabels] = useState("");
  const words = (text: string) => text.split(/[ ,]+/).filter(Boolean);
  const spec = {
    reason,
    ...(words(namespaces).length > 0 ? { namespaces: words(namespaces) } : {}),
    ...(words(plans).length > 0 ? { plans: words(plans) } : {}),
    ...(labels.trim() ? { labels: [labels.trim()] } : {}),
  };
  const make = useChange(() => apply("freezes", name, { spec }));
  const covers = [namespaces && `namespaces ${namespaces}`, plans && `plans ${plans}`, labels && `labels ${labels}`].filter(Boolean);
  return (
    <Dialog title="Freeze" isOpen onClose={onClose}>
      <form className="flex flex-col gap-3" onSubmit={(event) => { event.preventDefault(); make.mutate(undefined, { onSuccess: onClose }); }}>
        <Text label="Name" required pattern="[A-Za-z0-9][A-Za-z0-9._\-]*" value={name} onChange={(event) => setName(event.target.value)} autoFocus />
        <Text label="Why" required hint="Those whose runs are stopped read it." value={reason} onChange={(event) => setReason(event.target.value)} />
        <Text label="Namespaces" hint="all of them where it is empty" value={namespaces} onChange={(event) => setNamespaces(event.target.value)} />
        <Text label="Plans" hint="all of them where it is empty" value={plans} onChange={(event) => setPlans(event.target.value)} />
        <Text label="Labels" hint="such as tier=prod" value={labels} onChange={(event) => setLabels(event.target.value)} />
        <p className={covers.length === 0 ? "font-medium text-bad" : ""}>
          {covers.length === 0 ? "This stops everything, everywhere, now." : `This stops runs of ${covers.join(", ")}, now, and refuses new ones.`}
        </p>
        {make.isError ? <Wrong error={make.error} /> : null}
        <div className="flex justify-end gap-2">
          <Button onPress={onClose}>Leave it</Button>
          <Button type="submit" tone="danger" isDisabled={make.isPending}>Freeze</Button>
        </div>
      </form>
    </Dialog>
  );
}
