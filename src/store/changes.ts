import type { ChangeRow, Engine, FeedAnswer } from './engine.ts';

/** Whose rights have changed: nobody's, those of the users with these ids, or possibly anybody's. */
export type Change = 'nothing' | readonly number[] | 'everybody';

/** One reader's place in the change feed. */
export interface Follower {
  /**
   * What was committed since the last call, by any process that shares the store. The first call says from when on the
   * follower is told: what its caller reads before may be older, what it reads after is not. Made for the way of every
   * request: an engine that can tell at once that nothing happened answers without a promise. Those who ask while a
   * question is on its way share the next one and its answer.
   *
   * @throws ApiError 503 if the database does not answer.
   */
  next(): Change | Promise<Change>;
}

/** The feed of every write that alters what a user may do. */
export interface Changes {
  /** Starts to follow from now on. */
  follow(): Follower;
}

export function createChanges({ followFeed }: Pick<Engine, 'followFeed'>): Changes {
  return {
    follow() {
      const reader = followFeed();
      /** The id of the change read last; undefined until it is known where to begin. */
      let position: number | undefined;
      const begun = begin();

      function begin(): Promise<void> | undefined {
        const newest = reader.newest();
        if (typeof newest === 'number') {
          position = newest;
          return undefined;
        }
        // A database that is away now is asked again by the first call.
        return newest.then(
          (id) => {
            position = id;
          },
          () => undefined,
        );
      }

      function ask(): Change | Promise<Change> {
        if (position === undefined) {
          return Promise.resolve(reader.newest()).then((id): Change => {
            position = id;
            return 'everybody';
          });
        }
        const answer = reader.from(position);
        return answer instanceof Promise ? answer.then(read) : read(answer);
      }

      function read(answer: FeedAnswer): Change {
        if (answer === 'nothing') {
          return 'nothing';
        }
        if (answer === 'lost') {
          position = undefined;
          return 'everybody';
        }
        const last = position ?? 0;
        position = answer.at(-1)?.id ?? 0;
        return changeIn(answer, last);
      }

      return { next: shared(() => (begun === undefined ? ask() : begun.then(ask))) };
    },
  };
}

/** @param last - the id that was read last, which the rows begin with. */
function changeIn(rows: readonly ChangeRow[], last: number): Change {
  // The row last read is still the first, unless the rows behind it were pruned as well or the database was put back to
  // an older state.
  const isUnbroken = last === 0 ? (rows[0]?.id ?? 1) === 1 : rows[0]?.id === last;
  if (!isUnbroken) {
    return 'everybody';
  }
  const fresh = rows.filter(({ id }) => id > last);
  if (fresh.length === 0) {
    return 'nothing';
  }
  const userIds: number[] = [];
  for (const { user_id: userId } of fresh) {
    if (userId === null) {
      return 'everybody';
    }
    userIds.push(userId);
  }
  return userIds;
}

/**
 * Asks one question at a time. A question that is on its way may have been answered before what a new caller must see
 * was committed: it waits for the next one, with all others who come meanwhile.
 */
function shared(ask: () => Change | Promise<Change>): () => Change | Promise<Change> {
  let running: Promise<Change> | undefined;
  let following: Promise<Change> | undefined;

  function run(): Change | Promise<Change> {
    const answer = ask();
    if (!(answer instanceof Promise)) {
      return answer;
    }
    const question = answer.finally(() => {
      if (running === question) {
        running = undefined;
      }
    });
    running = question;
    return question;
  }

  return () => {
    if (following !== undefined) {
      return following;
    }
    if (running === undefined) {
      return run();
    }
    const next = running.then(noted, noted).then(run);
    following = next;
    return next;

    function noted(): void {
      following = undefined;
      running = undefined;
    }
  };
}
