import type { FastifyReply } from 'fastify';
import type { Reply } from '../reply.ts';

/** Sends an answer of the gateway's own. */
export function sendReply(reply: FastifyReply, answer: Reply): void {
  const { status = 200, headers = {}, cookies = [], body, because, failedSignIn } = answer;
  const { request } = reply;
  if (because !== undefined) {
    request.way.because = because;
  }
  if (failedSignIn !== undefined) {
    request.failure = failedSignIn.error;
    request.way.signInFailed = true;
    request.way.triedAs = failedSignIn.triedAs;
  }
  if (cookies.length > 0) {
    reply.header('set-cookie', cookies);
  }
  reply.code(status).headers(headers).send(body);
}
