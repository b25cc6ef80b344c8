import { Check, Choice, Text } from "../ui/Field";
import type { Param } from "./plan";

export type Values = Record<string, string>;

/** What each parameter is before anybody has typed. */
export function usual(params: Record<string, Param>): Values {
  const texts = Object.entries(params).map(([name, param]) => [
    name,
    param.default === undefined ? "" : typeof param.default === "string" ? param.default : JSON.stringify(param.default),
  ]);
  return Object.fromEntries(texts) as Values;
}

/** What is sent: what differs from the plan's own values, as it was typed. */
export function typed(params: Record<string, Param>, values: Values): Values {
  const before = usual(params);
  return Object.fromEntries(Object.entries(values).filter(([name, value]) => value !== before[name] && value !== ""));
}

/** The parameters of a plan as a form, from what it declares of them. */
export function Params({ params, values, onValue }: { params: Record<string, Param>; values: Values; onValue: (name: string, value: string) => void }) {
  if (Object.keys(params).length === 0) return <p className="text-muted">This plan has no parameters.</p>;
  return (
    <div className="grid grid-cols-[repeat(auto-fill,minmax(260px,1fr))] gap-3">
      {Object.entries(params).map(([name, param]) => (
        <One key={name} name={name} param={param} value={values[name] ?? ""} onValue={(value) => onValue(name, value)} />
      ))}
    </div>
  );
}

function One({ name, param, value, onValue }: { name: string; param: Param; value: string; onValue: (value: string) => void }) {
  const needed = param.default === undefined && param.required !== false;
  const label = `${name}${needed ? " *" : ""}`;
  const type = param.type ?? "string";
  const range = [param.min !== undefined ? `from ${param.min}` : "", param.max !== undefined ? `to ${param.max}` : ""].filter(Boolean).join(" ");
  const hint = [param.description, range, type !== "string" ? type : ""].filter(Boolean).join(" · ");
  const values = param.enum;
  if (Array.isArray(values)) {
    const of = values.map((one) => [String(one), String(one)] as const);
    return <Choice label={label} hint={hint} value={value} onChange={(event) => onValue(event.target.value)} of={needed ? [["", "choose …"], ...of] : of} />;
  }
  if (type === "bool") {
    return (
      <div className="flex flex-col gap-1">
        <Check label={label} checked={value === "true"} onChange={(event) => onValue(String(event.target.checked))} />
        <p className="text-sm text-muted">{param.description}</p>
      </div>
    );
  }
  const isNumber = type === "int" || type === "number";
  const isSecret = type === "secret";
  return (
    <Text
      label={label}
      hint={hint}
      required={needed}
      type={isSecret ? "password" : isNumber ? "number" : "text"}
      step={isNumber ? "any" : undefined}
      min={param.min}
      max={param.max}
      pattern={param.pattern}
      autoComplete="off"
      value={value}
      onChange={(event) => onValue(event.target.value)}
    />
  );
}
