import { type InputHTMLAttributes, type ReactNode, type SelectHTMLAttributes, type TextareaHTMLAttributes, useEffect, useId, useState } from "react";

interface Said {
  label: string;
  hint?: ReactNode;
  wrong?: string | undefined;
  isHidden?: boolean;
}

function Labelled({ id, label, hint, wrong, isHidden, children }: Said & { id: string; children: ReactNode }) {
  return (
    <div className="flex flex-col gap-1">
      <label htmlFor={id} className={isHidden ? "sr-only" : "text-sm font-medium"}>
        {label}
      </label>
      {children}
      {wrong ? (
        <p id={`${id}-hint`} className="text-sm text-bad">
          {wrong}
        </p>
      ) : hint ? (
        <p id={`${id}-hint`} className="text-sm text-muted">
          {hint}
        </p>
      ) : null}
    </div>
  );
}

export function Text({ label, hint, wrong, isHidden, className = "", ...rest }: Said & InputHTMLAttributes<HTMLInputElement>) {
  const id = useId();
  return (
    <Labelled id={id} label={label} hint={hint} wrong={wrong} isHidden={isHidden ?? false}>
      <input
        id={id}
        className={`field ${className}`}
        aria-invalid={wrong ? true : undefined}
        aria-describedby={hint || wrong ? `${id}-hint` : undefined}
        {...rest}
      />
    </Labelled>
  );
}

/** How long nothing may be typed before it counts. */
const PAUSE = 300;

/** A text that counts when somebody has stopped typing. */
export function LateText({ value, onValue, ...rest }: Said & Omit<InputHTMLAttributes<HTMLInputElement>, "onChange" | "value"> & { value: string; onValue: (value: string) => void }) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => onValue(text), PAUSE);
    return () => clearTimeout(timer);
  });
  return <Text {...rest} value={text} onChange={(event) => setText(event.target.value)} />;
}

export function Area({ label, hint, wrong, isHidden, className = "", ...rest }: Said & TextareaHTMLAttributes<HTMLTextAreaElement>) {
  const id = useId();
  return (
    <Labelled id={id} label={label} hint={hint} wrong={wrong} isHidden={isHidden ?? false}>
      <textarea id={id} className={`field ${className}`} aria-describedby={hint || wrong ? `${id}-hint` : undefined} {...rest} />
    </Labelled>
  );
}

export function Choice({
  label,
  hint,
  wrong,
  isHidden,
  of,
  className = "",
  ...rest
}: Said & { of: readonly (readonly [value: string, text: string])[] } & SelectHTMLAttributes<HTMLSelectElement>) {
  const id = useId();
  return (
    <Labelled id={id} label={label} hint={hint} wrong={wrong} isHidden={isHidden ?? false}>
      <select id={id} className={`field ${className}`} {...rest}>
        {of.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </Labelled>
  );
}

export function Check({ label, ...rest }: { label: string } & InputHTMLAttributes<HTMLInputElement>) {
  const id = useId();
  return (
    <span className="inline-flex items-center gap-2">
      <input id={id} type="checkbox" className="size-4 accent-accent" {...rest} />
      <label htmlFor={id}>{label}</label>
    </span>
  );
}
