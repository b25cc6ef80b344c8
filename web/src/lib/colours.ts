/** The colours of the theme as they are on the screen, for what is drawn by hand. */

const known = new Map<string, string>();
let theme = "";

const prefersDark = () => matchMedia("(prefers-color-scheme: dark)");

/** What a variable of the styles is now. A style itself may hold both, of light and of dark. */
export function colour(name: string): string {
  const now = `${document.documentElement.dataset["theme"] ?? ""} ${prefersDark().matches}`;
  if (now !== theme) {
    known.clear();
    theme = now;
  }
  const found = known.get(name);
  if (found !== undefined) return found;
  const probe = document.createElement("span");
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  known.set(name, color);
  return color;
}

/** Tells when they may have changed, until what it gives is called. */
export function whenRecoloured(then: () => void): () => void {
  const observer = new MutationObserver(then);
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  const system = prefersDark();
  system.addEventListener("change", then);
  return () => {
    observer.disconnect();
    system.removeEventListener("change", then);
  };
}
