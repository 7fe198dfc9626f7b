import type { Operation } from '../../mlflow/table/match.ts';
import type { RuleOf } from '../../mlflow/table/rule-of.ts';
import type { Upstream } from '../../mlflow/upstream/upstream.ts';

/**
 * Finds out whether the upstream's filter language takes `column IN (…)`, which came with a release. It is asked once for
 * each version that it says it is: a filter that it does not know costs no more than a 400.
 */
export function createPushDown(
  upstream: Upstream,
): (operation: Operation, keep: RuleOf<'keep'>) => Promise<boolean> {
  const known = new Map<string, Promise<boolean>>();
  return async ({ name, path }, { paging }) => {
    const key = `${name} ${await upstream.version()}`;
    const probe = known.get(key) ?? ask(path, paging?.pushDown ?? '');
    known.set(key, probe);
    probe.catch(() => known.delete(key));
    return probe;
  };

  async function ask(path: string, column: string): Promise<boolean> {
    const target = `/${path.replace(/^2\.0 /, 'api/2.0/mlflow/')}`;
    const filter = encodeURIComponent(`${column} IN ('0')`);
    const { status } = await upstream.exchange({
      method: 'GET',
      target: `${target}?max_results=1&filter=${filter}`,
    });
    return status === 200;
  }
}
