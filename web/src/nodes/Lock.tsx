import { Link } from "react-router";
import { useLock } from "../api/queries";
import type { AtLock } from "../api/types";
import { Loading, Wrong } from "../ui/Notice";
import { Ago } from "../ui/Time";

/** Who works on a node now, and who comes next. */
export function Lock({ node }: { node: string }) {
  const lock = useLock(node);
  if (lock.isError) return <div className="p-4"><Wrong error={lock.error} again={() => void lock.refetch()} /></div>;
  if (!lock.data) return <Loading what="its lock" />;
  const { holder, waiting = [] } = lock.data;
  if (!holder) return <p className="px-4 py-3 text-muted">It is free: nothing works on the node now.</p>;
  return (
    <table className="list">
      <thead><tr><th>How</th><th>Run</th><th>Namespace</th><th>By</th><th>Sequence</th><th>At work</th><th>Since</th></tr></thead>
      <tbody>
        <One one={holder} how="has it" />
        {waiting.map((one, at) => (
          <One key={one.run ?? at} one={one} how={at === 0 ? "is next" : "waits"} />
        ))}
      </tbody>
    </table>
  );
}

function One({ one, how }: { one: AtLock; how: string }) {
  if (!one.run) {
    return (
      <tr>
        <td className="font-medium">{how}</td>
        <td colSpan={6} className="text-muted">a run that you may not see</td>
      </tr>
    );
  }
  const own = `/n/${one.namespace}/runs/${one.run}`;
  return (
    <tr>
      <td className="font-medium">{how}</td>
      <td><Link className="link" to={own}>{one.plan}</Link> <span className="mono text-muted">{one.run.slice(0, 13)}</span></td>
      <td>{one.namespace}</td>
      <td>{one.user}</td>
      <td>{one.address ? <Link className="link mono" to={`${own}?at=${encodeURIComponent(one.address)}`}>{one.address}</Link> : "–"}</td>
      <td className="mono">{(one.atWork ?? []).map((address) => address.slice((one.address ?? "").length + 1)).join(", ") || "–"}</td>
      <td>{one.since ? <Ago at={one.since} /> : "–"}</td>
    </tr>
  );
}
