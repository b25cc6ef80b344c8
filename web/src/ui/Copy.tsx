import { useState } from "react";
import { Button } from "./Button";

/** Copies a text, such as the command that does the same as the page. */
export function Copy({ text, label = "Copy" }: { text: string; label?: string }) {
  const [isCopied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 1500);
  };
  return (
    <Button tone="quiet" onPress={copy} aria-label={`${label}: ${text}`}>
      {isCopied ? "Copied" : label}
    </Button>
  );
}

/** The command that does the same. */
export function Command({ text }: { text: string }) {
  return (
    <div className="flex items-center justify-between gap-2 rounded-md border border-line bg-raised pl-3">
      <code className="mono overflow-x-auto py-1.5 whitespace-pre" tabIndex={0}>
        {text}
      </code>
      <Copy text={text} />
    </div>
  );
}
