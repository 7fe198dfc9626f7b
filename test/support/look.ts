import { type Survey, survey } from '../../src/mlflow/survey.ts';
import { createUpstream } from '../../src/mlflow/upstream/upstream.ts';
import { ROUTES } from '../../src/routes.ts';

/** What a gateway with these settings finds at an upstream. */
export async function look(
  uri: string,
  { staticPrefix = '', host }: { readonly staticPrefix?: string; readonly host?: string } = {},
): Promise<Survey> {
  const upstream = createUpstream({
    uri,
    host,
    staticPrefix,
    timeoutSeconds: 60,
    connections: 5,
    clock: Date.now,
  });
  try {
    return await survey({ upstream, staticPrefix, uri, rows: ROUTES });
  } finally {
    await upstream.close();
  }
}
