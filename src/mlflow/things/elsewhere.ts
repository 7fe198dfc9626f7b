import type { ChildKind } from '../table/row.ts';
import { ask } from '../upstream/ask.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { CHILD_LOOK_UPS, type ChildLookUp, isSince, wayFor } from './look-ups.ts';
import { thingIn } from './thing-in.ts';
import type { Workspaces } from './workspaces.ts';

/** Whether a thing that is not in the workspace of a request is in another. */
export type Elsewhere = (kind: ChildKind, id: string) => Promise<boolean>;

/** Workspaces asked at the same time: MLflow answers few at once, and others wait too. */
const AT_ONCE = 8;

/**
 * Creates the look-up of ids that clients choose, for versions of MLflow that would change what has one in another
 * workspace: none of them can be asked in all workspaces at once. Any other kind or version is not asked about.
 *
 * @param here - the workspace in which it is known not to be.
 * @throws ApiError 503 or 504 if MLflow gives no clear answer: silence never grants.
 */
export function createElsewhere(
  upstream: Pick<Upstream, 'within' | 'version'>,
  workspaces: Pick<Workspaces, 'names'>,
  here: string,
): Elsewhere {
  return async (kind, id) => {
    const { ways, belongs }: ChildLookUp = CHILD_LOOK_UPS[kind];
    const { keptApartSince } = belongs;
    if (keptApartSince === undefined) {
      return false;
    }
    const version = await upstream.version();
    if (isSince(version, keptApartSince)) {
      return false;
    }
    const way = wayFor(ways, version);
    const isIn = async (workspace: string): Promise<boolean> => {
      const found = await Promise.all(
        (way === undefined ? ways : [way]).map(async ({ target, noneAt, ...where }) =>
          thingIn(await ask(upstream.within(workspace), target(id), noneAt), where, id),
        ),
      );
      return found.some((thing) => thing !== undefined);
    };
    const others = (await workspaces.names()).filter((name) => name !== here);
    for (let start = 0; start < others.length; start += AT_ONCE) {
      const found = await Promise.all(others.slice(start, start + AT_ONCE).map(isIn));
      if (found.includes(true)) {
        return true;
      }
    }
    return false;
  };
}
