import { findPlacement, type Placement } from './placement.ts';

/** An MLflow that is replaced by a newer one may serve other paths below its prefix. */
const PLACEMENT_TTL_MS = 60_000;

/**
 * Where MLflow serves a path of the table: itself without a static prefix. At once if that is known.
 *
 * @throws ApiError 503 or 504 if MLflow does not say.
 */
export type Placed = (target: string) => string | Promise<string>;

/** Remembers where MLflow serves the paths of the table, and asks again now and then. */
export function createPlaced(prefix: string, send: Parameters<typeof findPlacement>[1]): Placed {
  let placement: { readonly found: Placement; readonly at: number } | undefined;
  let finding: Promise<Placement> | undefined;

  function find(): Promise<Placement> {
    finding ??= findPlacement(prefix, send)
      .then((found) => {
        placement = { found, at: performance.now() };
        return found;
      })
      .finally(() => {
        finding = undefined;
      });
    return finding;
  }

  return (target) => {
    if (prefix === '') {
      return target;
    }
    if (placement === undefined) {
      return find().then((place) => place(target));
    }
    if (performance.now() - placement.at > PLACEMENT_TTL_MS) {
      // What is known serves until MLflow has answered; that it does not now, the request itself will tell.
      find().catch(() => {});
    }
    return placement.found(target);
  };
}
