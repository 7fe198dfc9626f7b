import type { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import { ApiError } from '../../errors.ts';
import type { Changes } from '../../store/changes.ts';
import { heldBack } from './held-back.ts';

/** How long a sender may go on after losing the right, in milliseconds; what is sent then has no end. */
const ASK_AGAIN_MS = 1000;

/** Gives the body of a request as it is to be sent on. */
export type Uploads = (request: FastifyRequest) => Readable;

/**
 * Bodies that stream to the upstream, which may take hours. Whether their senders may still send them is asked when
 * anybody's rights change meanwhile, and when the end has come: without that an admin who is deleted, or a user who
 * loses a grant, could begin requests and end them at will with the rights they once had.
 *
 * @param mayStill - throws ApiError 401 or 403 if the sender may not.
 */
export function createUploads(
  changes: Changes,
  mayStill: (request: FastifyRequest) => Promise<void>,
): Uploads {
  const follower = changes.follow();
  const underWay = new Map<Readable, FastifyRequest>();
  let timer: NodeJS.Timeout | undefined;

  return (request) => {
    const length = request.headers['content-length'];
    const body = heldBack(request.raw, length === undefined ? undefined : Number(length), () =>
      mayStill(request),
    );
    underWay.set(body, request);
    timer ??= setInterval(() => void askAgain(), ASK_AGAIN_MS).unref();
    body.once('close', () => {
      underWay.delete(body);
      if (underWay.size === 0) {
        clearInterval(timer);
        timer = undefined;
      }
    });
    return body;
  };

  async function askAgain(): Promise<void> {
    try {
      if ((await follower.next()) === 'nothing') {
        return;
      }
    } catch {
      // A store that does not answer is asked again at the end, which then is a refusal.
      return;
    }
    for (const [body, request] of underWay) {
      mayStill(request).catch((error: unknown) => {
        if (error instanceof ApiError && (error.status === 401 || error.status === 403)) {
          body.destroy(error);
        }
      });
    }
  }
}
