/** A value as JSON. What is a text of several lines, such as what a program printed, is shown as one. */
export function Json({ title, value }: { title: string; value: unknown }) {
  return (
    <details className="border-t border-line px-3 py-1">
      <summary className="cursor-pointer text-muted">{title}</summary>
      <Inner value={value} />
    </details>
  );
}

function Inner({ value }: { value: unknown }) {
  const texts = longTexts(value);
  return (
    <>
      <pre tabIndex={0} className="mono max-h-80 overflow-auto py-1 whitespace-pre-wrap">{JSON.stringify(value, null, 2)}</pre>
      {texts.map(([key, text]) => (
        <div key={key}>
          <p className="text-sm text-muted">{key}</p>
          <pre tabIndex={0} className="mono max-h-80 overflow-auto rounded bg-raised p-2 whitespace-pre-wrap">{text}</pre>
        </div>
      ))}
    </>
  );
}

function longTexts(value: unknown): [string, string][] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === "string" && entry[1].includes("\n"));
}
