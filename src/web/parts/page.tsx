import { type ReactNode, useEffect } from 'react';
import { T } from '../texts.ts';

/** A page with its heading, which the browser's tab has too. */
export function Page({
  title,
  lead,
  children,
}: {
  readonly title: string;
  readonly lead?: ReactNode;
  readonly children: ReactNode;
}) {
  useEffect(() => {
    document.title = `${title} – ${T.product}`;
  }, [title]);
  return (
    <>
      <h1>{title}</h1>
      {lead === undefined ? null : <p className="lead">{lead}</p>}
      {children}
    </>
  );
}

/** A part of a page with a heading of its own. */
export function Part({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <section>
      <h2>{title}</h2>
      {children}
    </section>
  );
}
