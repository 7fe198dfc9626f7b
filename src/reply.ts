/** An answer that the gateway gives itself: the upstream is not asked, or was asked already. */
export interface Reply {
  /** 200 if left out. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  /** JSON, unless it is bytes or text. */
  readonly body?: unknown;
  /** Why, for log and audit. */
  readonly because?: string;
}
