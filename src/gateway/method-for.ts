import type { FastifyRequest } from 'fastify';

/**
 * The method that the upstream is asked with. HEAD was judged as GET and is asked as GET: for HEAD, MLflow's handlers
 * look for their parameters in a body. What comes back is cut behind its head.
 */
export function methodFor({
  raw,
  way,
}: FastifyRequest): 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' {
  const method = raw.method as ReturnType<typeof methodFor>;
  return method === 'HEAD' && way.operation !== undefined ? 'GET' : method;
}
