import type { FastifyReply } from 'fastify';

/** An answer that a stage gives itself: the upstream is not asked, or was asked already. */
export interface Reply {
  /** 200 if left out. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  /** JSON, unless it is bytes or text. */
  readonly body?: unknown;
  /** Why, for log and audit. */
  readonly because?: string;
}

/** Sends an answer. */
export function sendReply(reply: FastifyReply, { status = 200, headers = {}, body, because }: Reply): void {
  if (because !== undefined) reply.request.way.because = because;
  reply.code(status).headers(headers).send(body);
}
