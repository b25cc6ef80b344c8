import { useKept } from "../lib/keep";
import { Button } from "../ui/Button";

const NEXT: Record<string, string> = { system: "light", light: "dark", dark: "system" };

/** Light, dark, or as the system prefers. */
export function Theme() {
  const [theme, keep] = useKept("theme", "system");
  const change = () => {
    const next = NEXT[theme] ?? "system";
    keep(next);
    if (next === "system") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = next;
  };
  const sign = theme === "dark" ? "☾" : theme === "light" ? "☀" : "◐";
  return (
    <Button tone="quiet" onPress={change} aria-label={`Theme: ${theme}. Change it`}>
      {sign}
    </Button>
  );
}
