import { propertyAt } from '../read/property-at.ts';
import { readAnswer } from '../upstream/answer-json.ts';
import { ask as askUpstream } from '../upstream/ask.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { isCanonical } from './identifiers.ts';
import { CHILD_LOOK_UPS } from './look-ups.ts';
import { isId, thingIn } from './thing-in.ts';

/** Run ids asked for in one GraphQL request: MLflow 3 allows ten aliases. */
const BATCH = 10;

/**
 * Asks for the experiments of runs, all that are asked for at once in one request: 68 bytes a run by
 * GraphQL, where `runs/get` brings every param and metric (147 kB for a long run).
 */
export function createRunBatch(upstream: Upstream): (id: string) => Promise<string | undefined> {
  type Waiting = {
    id: string;
    resolve: (experimentId: string | undefined) => void;
    reject: (error: unknown) => void;
  };
  let waiting: Waiting[] = [];

  // The id becomes part of a query: whatever is not an id as MLflow makes them is asked for in the other way.
  return (id) => (isCanonical('run', id) ? enqueue(id) : byRest(id));

  function enqueue(id: string): Promise<string | undefined> {
    return new Promise((resolve, reject) => {
      waiting.push({ id, resolve, reject });
      if (waiting.length === 1) {
        setImmediate(flush);
      }
    });
  }

  function flush() {
    const all = waiting;
    waiting = [];
    for (let start = 0; start < all.length; start += BATCH) {
      void send(all.slice(start, start + BATCH));
    }
  }

  async function send(batch: readonly Waiting[]) {
    try {
      const found = await ask(batch.map(({ id }) => id));
      batch.forEach(({ resolve }, index) => {
        resolve(found[index]);
      });
    } catch (error) {
      for (const { reject } of batch) {
        reject(error);
      }
    }
  }

  async function ask(ids: readonly string[]): Promise<readonly (string | undefined)[]> {
    const fields = ids.map(
      (id, index) => `r${index}:mlflowGetRun(input:{runId:"${id}"}){run{info{runId experimentId}}}`,
    );
    const answer = await upstream.exchange({
      method: 'POST',
      target: '/graphql',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: `{${fields.join(' ')}}` }),
    });
    if (answer.status !== 200) {
      return Promise.all(ids.map(byRest));
    }
    const { data } = readAnswer(answer);
    return Promise.all(
      ids.map((id, index) => {
        const info = ['run', 'info'].reduce<unknown>(propertyAt, propertyAt(data, `r${index}`));
        const experimentId = propertyAt(info, 'experimentId');
        // Anything but a plain answer, "not there" included, is asked again in the other way.
        return propertyAt(info, 'runId') === id && isId(experimentId) ? experimentId : byRest(id);
      }),
    );
  }

  async function byRest(id: string): Promise<string | undefined> {
    const [way] = CHILD_LOOK_UPS.run.ways;
    const found = propertyAt(thingIn(await askUpstream(upstream, way.target(id)), way, id), 'experiment_id');
    return isId(found) ? found : undefined;
  }
}
