import { type ReactNode, useEffect } from "react";

/** A page: its title, what can be done, and what there is. */
export function Page({
  title,
  about,
  actions,
  children,
}: {
  title: ReactNode;
  /** What the title is in the browser's history, where it is no plain text. */
  about?: string;
  actions?: ReactNode;
  children: ReactNode;
}) {
  const text = about ?? (typeof title === "string" ? title : "Windlass");
  useEffect(() => {
    document.title = `${text} · Windlass`;
  }, [text]);
  return (
    <div className="mx-auto w-full max-w-[1500px] px-6 py-5">
      <header className="mb-4 flex flex-wrap items-center justify-between gap-3">
        <h1 className="text-xl font-semibold">{title}</h1>
        <div className="flex flex-wrap items-center gap-2">{actions}</div>
      </header>
      {children}
    </div>
  );
}

/** A part of a page with a title of its own. */
export function Part({ title, actions, children }: { title: string; actions?: ReactNode; children: ReactNode }) {
  return (
    <section className="card mb-4" aria-label={title}>
      <div className="flex items-center justify-between gap-2 border-b border-line px-4 py-2">
        <h2 className="font-semibold">{title}</h2>
        <div className="flex flex-wrap items-center gap-2">{actions}</div>
      </div>
      {children}
    </section>
  );
}
