import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ApiError } from '../errors.ts';
import type { SignedIn } from '../identity/principal.ts';
import type { Upstream } from '../mlflow/upstream/upstream.ts';

export interface AdmitOptions {
  readonly upstream: Pick<Upstream, 'places'>;
  /** Most requests without credentials that are answered at once to one address. */
  readonly perAddress: number;
}

/**
 * Bounds what goes to the upstream at once: each request of a user has a place there until its answer has ended, or
 * waits for one, and each address has so many requests that need no user.
 *
 * @param askAgain - asks for the sender of a request once more, if it had to wait.
 */
export function admit(
  app: FastifyInstance,
  { upstream, perAddress }: AdmitOptions,
  askAgain: (request: FastifyRequest) => Promise<void>,
): void {
  const countAddress = createCount(perAddress);

  app.addHook('preHandler', (request, reply, done) => {
    const { operation, principal } = request.way;
    if (operation?.isOwn === true) {
      done();
      return undefined;
    }
    if (principal.kind === 'anonymous') {
      countAddress(request.ip, reply);
      done();
      return undefined;
    }
    const waiting = takePlace(request, reply, principal);
    if (waiting !== undefined) {
      return waiting;
    }
    done();
    return undefined;
  });

  function takePlace(
    request: FastifyRequest,
    reply: FastifyReply,
    { id }: SignedIn,
  ): Promise<void> | undefined {
    const place = upstream.places.take(id);
    request.way.place = place;
    if (reply.raw.destroyed) {
      place.leave();
    } else {
      reply.raw.on('close', place.leave);
    }
    return place.free?.then((waitedMs) => {
      request.way.waitedMs = waitedMs;
      return askAgain(request);
    });
  }
}

/** Counts answers that have not ended, by address. */
function createCount(most: number) {
  const underWay = new Map<string, number>();
  return (address: string, reply: FastifyReply): void => {
    const before = underWay.get(address) ?? 0;
    if (before >= most) {
      throw new ApiError(
        'REQUEST_LIMIT_EXCEEDED',
        'Too many requests from your address. Try again in a moment.',
        {
          headers: { 'retry-after': '1' },
        },
      );
    }
    underWay.set(address, before + 1);
    reply.raw.on('close', () => {
      const left = (underWay.get(address) ?? 1) - 1;
      if (left === 0) {
        underWay.delete(address);
      } else {
        underWay.set(address, left);
      }
    });
  };
}
