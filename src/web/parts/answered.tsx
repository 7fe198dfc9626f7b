import type { ReactNode } from 'react';
import { Button } from 'react-aria-components';
import { Refusal } from '../api/client.ts';
import { T } from '../texts.ts';

/** As much of a question as is looked at here. */
export interface Asked<Data> {
  readonly data: Data | undefined;
  readonly error: Error | null;
  readonly refetch: () => unknown;
}

/** What an answer shows, and what stands there until it comes or when it does not. */
export function Answered<Data>({
  query,
  children,
}: {
  readonly query: Asked<Data>;
  readonly children: (data: Data) => ReactNode;
}) {
  if (query.data !== undefined) {
    return children(query.data);
  }
  if (query.error !== null) {
    return <Failure error={query.error} again={() => void query.refetch()} />;
  }
  return <p className="waiting">{T.waiting}</p>;
}

/** Why something did not work, in the words of who refused it, and a way on. */
export function Failure({ error, again }: { readonly error: Error; readonly again?: () => void }) {
  const isSignedOut = error instanceof Refusal && error.status === 401;
  return (
    <div role="alert" className="failure">
      <p>{isSignedOut ? T.signedOut : error.message}</p>
      {isSignedOut ? (
        // The gateway sends whom it does not know to sign in, and back here.
        <a href={window.location.href}>{T.signIn}</a>
      ) : again === undefined ? null : (
        <Button onPress={again}>{T.again}</Button>
      )}
    </div>
  );
}
