import { useState } from "react";
import { useKept } from "../lib/keep";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { Choice, Text } from "../ui/Field";

const EXACT = "exact";

/** When runs were submitted: lately, or between two times. */
export function Times({ since, until, onTime }: { since: string; until: string; onTime: (key: string, value: string) => void }) {
  const [isExact, setExact] = useState(until !== "");
  const choose = (value: string) => {
    setExact(value === EXACT);
    if (value === EXACT) return;
    onTime("until", "");
    onTime("since", value === "" ? "" : new Date(Date.now() - Number(value)).toISOString());
  };
  return (
    <>
      <Choice
        label="Time"
        isHidden
        value={isExact ? EXACT : since ? "since" : ""}
        onChange={(event) => choose(event.target.value)}
        of={[
          ["", "any time"], ["3600000", "the last hour"], ["86400000", "the last day"], ["604800000", "the last week"], [EXACT, "between …"],
          ...(since && !isExact ? [["since", `since ${since.slice(0, 16).replace("T", " ")}`] as const] : []),
        ]}
      />
      {isExact ? (
        <>
          <Text label="Submitted from" isHidden type="datetime-local" value={local(since)} onChange={(event) => onTime("since", zoned(event.target.value))} />
          <Text label="Submitted before" isHidden type="datetime-local" value={local(until)} onChange={(event) => onTime("until", zoned(event.target.value))} />
        </>
      ) : null}
    </>
  );
}

/** A time as a field for it takes it: that of this browser's zone, without a zone. */
function local(at: string): string {
  const time = Date.parse(at);
  return Number.isNaN(time) ? "" : new Date(time - new Date(time).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function zoned(text: string): string {
  const time = Date.parse(text);
  return Number.isNaN(time) ? "" : new Date(time).toISOString();
}

/** Filters that this browser remembers; each is only an address. */
export function Saved({ asked, onGo }: { asked: URLSearchParams; onGo: (query: string) => void }) {
  const [text, keep] = useKept("filters", "{}");
  const [isNaming, setNaming] = useState(false);
  const [name, setName] = useState("");
  const saved = read(text);
  const query = asked.toString();
  const at = Object.keys(saved).find((name) => saved[name] === query);
  const save = () => {
    keep(JSON.stringify({ ...saved, [name.trim()]: query }));
    setNaming(false);
    setName("");
  };
  const forget = (name: string) => keep(JSON.stringify(Object.fromEntries(Object.entries(saved).filter(([key]) => key !== name))));
  return (
    <div className="flex items-center gap-1">
      {Object.keys(saved).length > 0 ? (
        <Choice
          label="Saved filters"
          isHidden
          value={at ?? ""}
          onChange={(event) => {
            const query = saved[event.target.value];
            if (query !== undefined) onGo(query);
          }}
          of={[["", "Saved filters"], ...Object.keys(saved).map((name) => [name, name] as const)]}
        />
      ) : null}
      {at ? <Button tone="quiet" onPress={() => forget(at)}>Forget {at}</Button> : null}
      {query !== "" && !at ? <Button onPress={() => setNaming(true)}>Save this filter</Button> : null}
      <Dialog title="Save this filter" isOpen={isNaming} onClose={() => setNaming(false)}>
        <form
          className="flex flex-col gap-3"
          onSubmit={(event) => {
            event.preventDefault();
            save();
          }}
        >
          <Text label="What it is called" required value={name} onChange={(event) => setName(event.target.value)} autoFocus hint="This browser remembers it. To hand it on, give the address." />
          <div className="flex justify-end gap-2">
            <Button onPress={() => setNaming(false)}>Leave it</Button>
            <Button type="submit" tone="primary" isDisabled={name.trim() === ""}>Save</Button>
          </div>
        </form>
      </Dialog>
    </div>
  );
}

function read(text: string): Record<string, string> {
  try {
    return JSON.parse(text) as Record<string, string>;
  } catch {
    return {};
  }
}
