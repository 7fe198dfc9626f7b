import type { IncomingHttpHeaders } from 'node:http';
import type { Changing } from '../audit/changing.ts';
import type { Principal, SignedIn } from '../identity/principal.ts';
import type { Reply } from '../reply.ts';

/** What a handler of the gateway's own gets: the request as read, already authorised by its row. */
export interface Call {
  readonly principal: Principal;
  readonly params: Readonly<Record<string, string>>;
  readonly query: ReadonlyMap<string, readonly string[]>;
  readonly body: Readonly<Record<string, unknown>>;
  /** The canonical path, where the prefix makes a difference: `/ajax-api` is what MLflow's UI calls. */
  readonly path: string;
  /** Stands before every path of this gateway, such as `/mlflow`; empty for none. Links and redirects begin with it. */
  readonly prefix: string;
  readonly headers: IncomingHttpHeaders;
  /** What the client calls this gateway, with its port, as far as the gateway trusts what it was told. */
  readonly host: string;
  /** The address of the client, as far as the gateway trusts what it was told. */
  readonly ip: string;
  /** Whether it has come by https, as far as the gateway trusts what it was told. */
  readonly isSecure: boolean;
  /** The verbs that change something: each change is written to the audit log as this caller's. */
  readonly changing: Changing;
}

/** Answers one of the gateway's own operations. */
export type Handler = (call: Call) => Reply | Promise<Reply>;

/** The caller of an operation that no anonymous one reaches. */
export function callerOf(call: Call): SignedIn {
  if (call.principal.kind !== 'user') {
    throw new Error('the row of this handler lets anonymous callers in');
  }
  return call.principal;
}

/** MLflow's answer of an operation that is done and has nothing to tell. */
export const DONE: Reply = { body: {} };
