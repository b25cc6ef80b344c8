import { Button as Behaviour, type ButtonProps } from "react-aria-components";

type Tone = "plain" | "primary" | "danger" | "quiet";

const TONES: Record<Tone, string> = {
  plain: "bg-panel border-strong text-text hover:bg-raised",
  primary: "bg-accent border-accent text-on-accent hover:opacity-90",
  danger: "bg-panel border-bad text-bad hover:bg-bad-soft",
  quiet: "bg-transparent border-transparent text-muted hover:bg-raised hover:text-text",
};

export function Button({ tone = "plain", className, ...props }: ButtonProps & { tone?: Tone }) {
  return (
    <Behaviour
      {...props}
      className={`inline-flex min-h-8 cursor-pointer items-center gap-1.5 rounded-md border px-3 py-1 text-sm font-medium whitespace-nowrap disabled:cursor-default disabled:opacity-50 ${TONES[tone]} ${typeof className === "string" ? className : ""}`}
    />
  );
}
