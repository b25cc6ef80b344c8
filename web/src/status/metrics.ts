/** Metrics as Prometheus reads them. */

export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

const FORM = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)/;

export function read(text: string): Sample[] {
  const found: Sample[] = [];
  for (const line of text.split("\n")) {
    if (line.startsWith("#")) continue;
    const match = FORM.exec(line);
    if (!match) continue;
    const [, name = "", labels = "", value = ""] = match;
    found.push({ name, labels: pairs(labels), value: Number(value) });
  }
  return found;
}

function pairs(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [, key = "", value = ""] of text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) {
    found[key] = value.replace(/\\(.)/g, (_, letter: string) => (letter === "n" ? "\n" : letter));
  }
  return found;
}

export function sum(samples: readonly Sample[], name: string, labels: Record<string, string> = {}): number {
  return samples
    .filter((sample) => sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value))
    .reduce((total, sample) => total + sample.value, 0);
}
