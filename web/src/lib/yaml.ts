/** Values as YAML: enough to be read by people and by Windlass. Texts that could be anything else are quoted. */
export function yaml(value: unknown, depth = 0): string {
  const pad = "  ".repeat(depth);
  if (Array.isArray(value)) {
    if (value.length === 0) return " []\n";
    return `\n${value
      .map((item) => {
        const inner = yaml(item, depth + 1);
        return `${pad}-${inner.startsWith("\n") ? ` ${inner.trimStart()}` : inner}`;
      })
      .join("")}`;
  }
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    if (entries.length === 0) return " {}\n";
    return `\n${entries.map(([key, item]) => `${pad}${scalar(key)}:${yaml(item, depth + 1)}`).join("")}`;
  }
  if (typeof value === "string" && value.includes("\n")) {
    const lines = value.replace(/\n$/, "").split("\n");
    const mark = value.endsWith("\n") ? "|" : "|-";
    if (!/^\s/.test(lines[0] ?? "")) return ` ${mark}\n${lines.map((line) => (line === "" ? "\n" : `${pad}${line}\n`)).join("")}`;
  }
  return ` ${scalar(value)}\n`;
}

function scalar(value: unknown): string {
  if (typeof value !== "string") return JSON.stringify(value) ?? "null";
  const isPlain =
    /^[A-Za-z_./][A-Za-z0-9_./@=+ -]*$/.test(value) &&
    !/^(true|false|null|yes|no|on|off|y|n|~)$/i.test(value) &&
    !/[: ]$/.test(value);
  return isPlain ? value : JSON.stringify(value);
}
