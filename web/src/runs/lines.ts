/** Lines of a log, as they are written in its file. */

export interface Line {
  /** Where it is in the file; -1 where that was not said. */
  offset: number;
  at: string;
  level: string;
  source: string;
  address: string;
  attempt: number;
  node: string;
  text: string;
}

const FORM = /^(\S+) (\w+) (\w+\+?) (\S+?)(?:#(\d+))?(?: @(\S+))?(?: ~\S+)? \| ?(.*)$/s;

/** A line with its offset in front. What is no line of a log is shown as it is. */
export function read(text: string): Line {
  const tab = text.indexOf("\t");
  const isNumbered = tab > 0 && /^\d+$/.test(text.slice(0, tab));
  const offset = isNumbered ? Number(text.slice(0, tab)) : -1;
  const rest = isNumbered ? text.slice(tab + 1) : text;
  const found = FORM.exec(rest);
  if (!found) return { offset, at: "", level: "info", source: "", address: "", attempt: 0, node: "", text: rest };
  const [, at = "", level = "", source = "", address = "", attempt, node = "", said = ""] = found;
  return { offset, at, level, source, address, attempt: Number(attempt ?? 0), node, text: said };
}

/** Cuts a stream of text into lines. */
export class Splitter {
  private rest = "";
  private readonly decoder = new TextDecoder();

  take(bytes: Uint8Array): string[] {
    const lines = (this.rest + this.decoder.decode(bytes, { stream: true })).split("\n");
    this.rest = lines.pop() ?? "";
    return lines;
  }
}
