import type { ApiError } from '../errors.ts';
import type { Principal } from '../identity/principal.ts';
import type { Workspace } from '../identity/within.ts';
import type { Target } from '../mlflow/read/target.ts';
import type { Operation } from '../mlflow/table/match.ts';
import type { Place } from '../mlflow/upstream/places.ts';
import type { AuditEntry } from '../store/audit/index.ts';
import type { Judged } from './reference.ts';

/** What the stages have learned about one request, each adding its part. */
export interface Way {
  readonly target: Target;
  readonly principal: Principal;
  /** The workspace that it is about; undefined where MLflow has none. */
  readonly workspace: Workspace | undefined;
  /** The caller may do everything: nothing is judged, narrowed or taken out of replies. */
  readonly unrestricted: boolean;
  /** The name that a credential was tried with, if it was refused. */
  readonly triedAs: string | undefined;
  /** A credential was sent that proves nothing. */
  readonly signInFailed: boolean;
  /** Its credential was checked for it, not remembered from a request before. */
  readonly signedIn: boolean;
  /** The row it matched; undefined if the table does not know it. */
  readonly operation: Operation | undefined;
  readonly params: Readonly<Record<string, string>>;
  readonly query: ReadonlyMap<string, readonly string[]>;
  /** The body as it came, if the row reads it or it is small; undefined while it is still a stream. */
  readonly bytes: Buffer | undefined;
  /** All of it had come when its sender was first looked for. */
  readonly cameWhole: boolean;
  /** Some of the body that was read came later: the sender may have lost the right meanwhile. */
  readonly cameLate: boolean;
  /** The version of MLflow by whose fields it was read; undefined stands for all of them. */
  readonly readAs: string | undefined;
  /** The body as judged, under the upstream's own field names. */
  readonly body: Readonly<Record<string, unknown>>;
  /** Its place at the upstream, while it has or waits for one. */
  readonly place: Place | undefined;
  /** How long it waited for the place, in milliseconds. */
  readonly waitedMs: number;
  /** Everything that it touches and what was decided about each, for log, audit and explanations. */
  readonly judged: readonly Judged[];
  /** Why it may or may not pass, for log and audit. */
  readonly because: string;
  /** It passes whatever its caller was granted, as permissions are only reported. */
  readonly reported: boolean;
  /** Why it would have been refused otherwise. */
  readonly refusal: ApiError | undefined;
  /** Its entries in the audit log, where it changed users, grants or roles: kept along with the changes. */
  readonly written: readonly AuditEntry[];
  /** Tells the rows of a list that are shown, where a judge knows it; set instead of asking for what each belongs to. */
  readonly shows: ((row: Readonly<Record<string, unknown>>) => boolean) | undefined;
  /** Takes out of a JSON reply what the caller may not see; set by a stage that judged only a part of it. */
  readonly rewrite: ((reply: unknown) => unknown) | undefined;
}

/** The way of a request while its stages fill it. */
export type OpenWay = { -readonly [K in keyof Way]: Way[K] };

declare module 'fastify' {
  interface FastifyRequest {
    way: OpenWay;
  }
}
