import type { FastifyReply } from 'fastify';
import type { Reply } from '../reply.ts';

/** Sends an answer of the gateway's own. */
export function sendReply(reply: FastifyReply, { status = 200, headers = {}, body, because }: Reply): void {
  if (because !== undefined) {
    reply.request.way.because = because;
  }
  reply.code(status).headers(headers).send(body);
}
