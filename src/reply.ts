import type { ApiError } from './errors.ts';

/** An answer that the gateway gives itself: the upstream is not asked, or was asked already. */
export interface Reply {
  /** 200 if left out. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  /** `Set-Cookie` headers. */
  readonly cookies?: readonly string[];
  /** JSON, unless it is bytes or text. */
  readonly body?: unknown;
  /** Why, for log and audit. */
  readonly because?: string;
  /** The failed sign-in that this answers, for log and audit. */
  readonly failedSignIn?: FailedSignIn;
}

/** A sign-in that came by a form, or from a provider, and failed. */
export interface FailedSignIn {
  readonly error: ApiError;
  /** The name that was tried, if there is one. */
  readonly triedAs?: string | undefined;
}
