import { Button } from "../ui/Button";
import { Choice, Text } from "../ui/Field";
import { type Fault, type Kind, KINDS, write } from "./faults";

/** One fault: whose attempts, which of them, and what happens to them. */
export function FaultRow({
  fault,
  isIdle,
  onChange,
  onRemove,
}: {
  fault: Fault;
  isIdle: boolean;
  onChange: (fault: Fault) => void;
  onRemove: () => void;
}) {
  const set = (key: keyof Fault) => (event: { target: { value: string } }) => onChange({ ...fault, [key]: event.target.value });
  return (
    <fieldset className="flex flex-wrap items-end gap-2 rounded-md border border-line px-3 py-2">
      <legend className="sr-only">Fault on {fault.address}</legend>
      <Text label="On" className="mono w-72" value={fault.address} onChange={set("address")} wrong={isIdle ? "there is nothing of that address" : undefined} />
      <Choice label="What" value={fault.kind} onChange={(event) => onChange({ ...fault, kind: event.target.value as Kind })} of={KINDS} />
      {fault.kind === "slow" ? <Text label="It takes" className="w-24" placeholder="60s" value={fault.length} onChange={set("length")} /> : null}
      <Text label="Attempts" className="w-24" placeholder="all" value={fault.attempts} onChange={set("attempts")} />
      <Text label="Share" className="w-24" placeholder="100" value={fault.percent} onChange={set("percent")} />
      <Text label="From..to" className="w-28" placeholder="5m..6m" value={fault.window} onChange={set("window")} />
      <code className="mono self-center text-muted">{write(fault)}</code>
      <Button tone="quiet" className="ml-auto" onPress={onRemove}>
        Remove
      </Button>
    </fieldset>
  );
}
