import { useQuery } from "@tanstack/react-query";
import { ask, path, Problem } from "../api/client";
import { Loading, Wrong } from "../ui/Notice";

interface NodeVar {
  key: string;
  value: unknown;
  from: string;
  hides: { from: string; value: unknown }[];
}

/** The variables that count on a node in a namespace, with who supplies each. */
export function Blame({ namespace, node }: { namespace: string; node: string }) {
  const vars = useQuery({
    queryKey: ["vars", namespace, node],
    queryFn: () => ask<{ items: NodeVar[] }>(path(["namespaces", namespace, "inventory", node, "vars"])),
    retry: false,
  });
  if (vars.isError) {
    const isHidden = vars.error instanceof Problem && vars.error.status === 404;
    return isHidden ? (
      <p className="px-4 py-3 text-muted">In the namespace {namespace} it is not there: its runs may not touch it.</p>
    ) : (
      <div className="p-4"><Wrong error={vars.error} /></div>
    );
  }
  if (!vars.data) return <Loading what="variables" />;
  if (vars.data.items.length === 0) return <p className="px-4 py-3 text-muted">None.</p>;
  return (
    <table className="list">
      <thead><tr><th>Variable</th><th>Value</th><th>From</th><th>Hides</th></tr></thead>
      <tbody>
        {vars.data.items.map((one) => (
          <tr key={one.key}>
            <td className="mono">{one.key}</td>
            <td className="mono">{JSON.stringify(one.value)}</td>
            <td>{one.from}</td>
            <td className="text-muted">{one.hides.map((hidden) => `${JSON.stringify(hidden.value)} (${hidden.from})`).join(", ")}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
