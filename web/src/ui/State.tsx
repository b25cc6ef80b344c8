import { look } from "../lib/words";

/** How something stands, by sign, word and colour. */
export function State({ state, note }: { state: string; note?: string | undefined }) {
  const { word, sign, colour } = look(state);
  return (
    <span className="inline-flex items-center gap-1.5 whitespace-nowrap" style={{ color: `var(--${colour})` }}>
      <span aria-hidden className={state === "running" ? "pulse" : ""}>
        {sign}
      </span>
      <span className="font-medium">{note ?? word}</span>
    </span>
  );
}
