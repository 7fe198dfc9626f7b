import { ApiError } from '../../errors.ts';

/** The right to have a request at the upstream, or a wait for it. */
export interface Place {
  /**
   * Resolves when it may be used, with the milliseconds that were waited; undefined if it may be at once.
   *
   * Rejects with ApiError 504 if that takes too long, or 503 if it was given back meanwhile.
   */
  readonly free: Promise<number> | undefined;
  /** Gives it back, or stops waiting for it; once is enough. */
  leave(): void;
  /** Keeps it until work has ended, even if it is given back before: a change goes on without its client. */
  keepWhile<T>(work: Promise<T>): Promise<T>;
}

/** The places that there are, and who has them. */
export interface Places {
  /**
   * Takes a place for a request of a user.
   *
   * @throws ApiError 429 if too many requests of that user wait already.
   */
  take(userId: number): Place;
  /** How many requests wait for one. */
  waiting(): number;
}

export interface PlacesOptions {
  /** How many there are. */
  readonly places: number;
  /** Most that one user has at once. */
  readonly perUser: number;
  /** How long a request may wait. */
  readonly timeoutMs: number;
  /** Milliseconds, from any moment on. */
  readonly clock: () => number;
}

/** Requests of one user that may wait, for each that may run. */
const WAITING_FOR_EACH = 16;

/** One user's requests. */
interface Claims {
  readonly userId: number;
  running: number;
  /** What to call for those that wait, first come first served. */
  readonly waiting: Set<() => void>;
}

/**
 * Creates places for as many requests as there are connections. The requests of one user may hang for as long as they
 * like: beyond that user's own number they wait, and a place that comes free goes to the user who has the fewest.
 */
export function createPlaces({ places, perUser, timeoutMs, clock }: PlacesOptions): Places {
  const users = new Map<number, Claims>();
  const waiters = new Set<Claims>();
  let running = 0;

  function take(userId: number): Place {
    const claims = users.get(userId) ?? { userId, running: 0, waiting: new Set() };
    if (claims.waiting.size >= perUser * WAITING_FOR_EACH) {
      throw tooMany();
    }
    users.set(userId, claims);
    if (running < places && claims.running < perUser) {
      begin(claims);
      return createPlace(() => end(claims));
    }
    return wait(claims);
  }

  function wait(claims: Claims): Place {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    // A client that goes away may leave nobody who listens.
    promise.catch(() => {});
    const since = clock();
    const timer = setTimeout(() => giveUp(tookTooLong()), timeoutMs);
    let leave = () => giveUp(wentAway());
    const granted = () => {
      clearTimeout(timer);
      leaveLine(waiters, claims, granted);
      begin(claims);
      leave = () => end(claims);
      resolve(clock() - since);
    };
    function giveUp(error: ApiError): void {
      clearTimeout(timer);
      leaveLine(waiters, claims, granted);
      leave = () => {};
      forgetIfIdle(claims);
      reject(error);
    }
    claims.waiting.add(granted);
    waiters.add(claims);
    return createPlace(() => leave(), promise);
  }

  function begin(claims: Claims): void {
    running += 1;
    claims.running += 1;
  }

  function end(claims: Claims): void {
    running -= 1;
    claims.running -= 1;
    forgetIfIdle(claims);
    grantNext();
  }

  function forgetIfIdle(claims: Claims): void {
    if (claims.running === 0 && claims.waiting.size === 0) {
      users.delete(claims.userId);
    }
  }

  function grantNext(): void {
    const [granted] = nextOf(waiters, perUser)?.waiting ?? [];
    granted?.();
  }

  return {
    take,
    waiting: () => [...waiters].reduce((sum, claims) => sum + claims.waiting.size, 0),
  };
}

/** Takes a request out of the line of its user, and the user out of those who wait if it was the last. */
function leaveLine(waiters: Set<Claims>, claims: Claims, granted: () => void): void {
  claims.waiting.delete(granted);
  if (claims.waiting.size === 0) {
    waiters.delete(claims);
  }
}

/** Of the users who wait and may have one more, the one who has the fewest. */
function nextOf(waiters: Iterable<Claims>, perUser: number): Claims | undefined {
  let next: Claims | undefined;
  for (const claims of waiters) {
    if (claims.running < perUser && (next === undefined || claims.running < next.running)) {
      next = claims;
    }
  }
  return next;
}

function createPlace(end: () => void, free?: Promise<number>): Place {
  let kept = 0;
  let left = false;
  return {
    free,
    leave() {
      if (left) {
        return;
      }
      left = true;
      if (kept === 0) {
        end();
      }
    },
    keepWhile(work) {
      kept += 1;
      return work.finally(() => {
        kept -= 1;
        if (left && kept === 0) {
          end();
        }
      });
    },
  };
}

const tooMany = () =>
  new ApiError(
    'REQUEST_LIMIT_EXCEEDED',
    'Too many of your requests wait for MLflow. Try again in a moment.',
    {
      headers: { 'retry-after': '1' },
    },
  );

const tookTooLong = () =>
  new ApiError('DEADLINE_EXCEEDED', 'The MLflow server took too long to answer. Try again later.', {
    because: 'no connection to MLflow came free in time',
  });

const wentAway = () =>
  new ApiError('TEMPORARILY_UNAVAILABLE', 'The request was given up.', { because: 'the client went away' });
