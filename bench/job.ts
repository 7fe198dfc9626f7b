/** One request that the load generator sends. */
export interface Shot {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Bytes to stream as a body, instead of `body`. */
  readonly bodyBytes?: number;
}

/** What the load generator is asked to do. */
export interface Job {
  readonly origin: string;
  /** Where the origin is reached, if not by TCP. */
  readonly socketPath?: string;
  readonly shots: readonly Shot[];
  /** Requests in all, the shots in turn. */
  readonly count: number;
  /** No request is begun after this time. */
  readonly seconds: number;
  /** Requests under way at once, each on a kept-alive connection. */
  readonly connections: number;
  /** Any other status ends the benchmark. */
  readonly statuses: readonly number[];
}

/** What it answers; p50 and p99 in milliseconds. */
export type Result =
  | {
      readonly done: number;
      readonly seconds: number;
      readonly bytes: number;
      readonly p50: number;
      readonly p99: number;
    }
  | { readonly failed: string };
