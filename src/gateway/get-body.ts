import type { FastifyInstance } from 'fastify';
import { invalid } from '../errors.ts';
import { MAX_TARGET_LENGTH } from '../mlflow/read/target.ts';
import type { Upstream } from '../mlflow/upstream/upstream.ts';
import { collect } from './read.ts';
import { createFieldReader } from './read-fields.ts';
import { hasBodyOfQuery } from './transport.ts';

/** Headers of a body, which is not there any more. */
const OF_BODIES = ['content-length', 'transfer-encoding', 'content-type'] as const;

/**
 * Moves the parameters of a GET that has them in a JSON body into its query. Whatever MLflow is in front, it then reads
 * what was judged: none looks at the body of a GET that has a query, and there is no body.
 */
export function moveIntoQuery(
  app: FastifyInstance,
  options: { readonly upstream: Pick<Upstream, 'lastVersion'> },
): void {
  const fields = createFieldReader(options.upstream);
  app.addHook('preHandler', (request, _reply, done) => {
    const { raw, way } = request;
    if (!hasBodyOfQuery(raw)) {
      done();
      return;
    }
    const { operation } = way;
    if (operation === undefined || way.principal.kind === 'anonymous') {
      throw invalid(`A ${raw.method} request must not have a body here. Put its parameters into the query.`);
    }
    if (raw.headers['content-encoding'] !== undefined) {
      throw invalid('Send the body without Content-Encoding.');
    }
    return Promise.resolve(collect(request, MAX_TARGET_LENGTH)).then((bytes) => {
      const query = fields.bodyAsQuery(request, operation, bytes);
      if (query.length > MAX_TARGET_LENGTH) {
        throw invalid(`The parameters are longer than ${MAX_TARGET_LENGTH} bytes as a query.`);
      }
      way.target = { ...way.target, rawQuery: query === '' ? undefined : query };
      for (const name of OF_BODIES) {
        delete raw.headers[name];
      }
    });
  });
}
