import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyRequest } from 'fastify';
import type { Way } from '../way.ts';

/** The parts of a request that locators and rules look at. */
export type Readable = Pick<Way, 'params' | 'query' | 'body'> & { readonly headers: IncomingHttpHeaders };

/** Takes those parts out of a request. */
export function readable(request: FastifyRequest): Readable {
  const { params, query, body } = request.way;
  return { params, query, body, headers: request.raw.headers };
}
