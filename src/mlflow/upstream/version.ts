const VERSION_TTL_MS = 60_000;
const VERSION_RETRY_MS = 5_000;

/** Tells which MLflow the upstream is. */
export interface Version {
  /** The version it says it is, such as `3.17.2`; asked again after a minute. */
  version(): Promise<string | undefined>;
  /** The version it last said it is, without waiting: asked again in the background once a minute. */
  lastVersion(): string | undefined;
  /**
   * Whether it notices that an upload breaks off only if it comes in chunks: gunicorn, which MLflow 2 runs on, takes
   * the end of a connection for the end of a body whose length was announced, and stores what has come.
   *
   * @throws ApiError 503 or 504 if it does not answer.
   */
  wantsChunks(): Promise<boolean>;
}

/** As much of an answer as is looked at. */
interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly bytes: Buffer;
}

/** What MLflow says of itself. */
interface Said {
  readonly version: string;
  /** The `Server` header of the answer. */
  readonly server: string;
  readonly at: number;
}

/** Asks MLflow what it is, and remembers that for a minute. */
export function createVersion(
  exchange: (request: { readonly method: 'GET'; readonly target: string }) => Promise<Answered>,
  clock: () => number,
): Version {
  let known: Said | undefined;
  let askedAt = Number.NEGATIVE_INFINITY;

  const isFresh = (now: number) => known !== undefined && now - known.at < VERSION_TTL_MS;

  async function ask(): Promise<Said | undefined> {
    const now = clock();
    if (isFresh(now)) {
      return known;
    }
    const answer = await exchange({ method: 'GET', target: '/version' });
    const version = answer.bytes.toString('utf8').trim();
    if (answer.status === 200 && /^\d+\.\d+/.test(version)) {
      known = { version, server: String(answer.headers['server'] ?? ''), at: now };
    }
    return known;
  }

  function askAgain(): void {
    const now = clock();
    if (isFresh(now) || now - askedAt < VERSION_RETRY_MS) {
      return;
    }
    askedAt = now;
    // What cannot be asked now is asked again later.
    ask().catch(() => undefined);
  }

  return {
    version: async () => (await ask())?.version,
    lastVersion() {
      askAgain();
      return known?.version;
    },
    wantsChunks: async () => (await ask())?.server.startsWith('gunicorn') ?? false,
  };
}
