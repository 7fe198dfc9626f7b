import { createServer, type IncomingMessage } from 'node:http';
import { NO_RELEASE } from './fake-upstream.ts';
import { type Listening, listen } from './listen.ts';
import type { Ids } from './sample-request.ts';

/** A header that the test puts on a request to know it again upstream; the gateway's own look-ups lack it. */
export const PROBE = 'x-probe';

export interface AnsweringUpstream extends Listening {
  /** Bodies of the requests that were forwarded to it, by their probe. */
  readonly arrived: ReadonlyMap<string, string>;
  /** Their paths and queries, by the same. */
  readonly asked: ReadonlyMap<string, string>;
  /** Answers the request with this probe with something else than what everybody gets; with bytes as they are. */
  answer(probe: string, reply: unknown, status?: number): void;
}

/**
 * An upstream that answers every look-up alike: that the thing exists and belongs to the experiment of the
 * ids it is among. It serves tests of who may pass, which need no more; those of what MLflow does run a real one.
 *
 * @param ids - what a look-up asks about if it names nothing of `foreign`.
 */
export async function startAnsweringUpstream(
  ids: Ids,
  foreign: Ids,
  version = NO_RELEASE,
): Promise<AnsweringUpstream> {
  const arrived = new Map<string, string>();
  const asked = new Map<string, string>();
  const replies = new Map<string, { readonly reply: unknown; readonly status: number }>();
  const facts = factsAbout(ids);
  const foreignFacts = factsAbout(foreign);
  const foreignIds = Object.values(foreign).filter((id) => id.length > 3);
  const isForeign = (url: string) => foreignIds.some((id) => decodeURIComponent(url).includes(id));
  // What a create answers is new, so that adopting it takes nothing from anybody.
  const created = {
    ...facts,
    experiment_id: '900',
    registered_model: { ...facts.registered_model, name: 'created' },
    job_id: 'created',
    // What an MCP server is called.
    name: 'space/created',
  };
  const server = createServer(async (request, response) => {
    const body = await textOf(request);
    const probe = request.headers[PROBE];
    if (typeof probe === 'string') {
      arrived.set(probe, body);
      asked.set(probe, request.url ?? '');
    }
    response.setHeader('content-type', 'application/json');
    if (request.url === '/version') {
      response.end(version);
    } else if (request.url === '/graphql' && probe === undefined) {
      response.end(runsAsked(body, ids, foreign));
    } else if (probe === undefined) {
      response.end(JSON.stringify(isForeign(request.url ?? '') ? foreignFacts : facts));
    } else {
      const { reply, status } = replies.get(String(probe)) ?? { reply: created, status: 200 };
      response.writeHead(status).end(Buffer.isBuffer(reply) ? reply : JSON.stringify(reply));
    }
  });
  return {
    ...(await listen(server)),
    arrived,
    asked,
    answer: (probe, reply, status = 200) => replies.set(probe, { reply, status }),
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) {
    text += chunk;
  }
  return text;
}

/** The answer to `{r0:mlflowGetRun(input:{runId:"…"}){run{info{runId experimentId}}} …}`. */
function runsAsked(body: string, ids: Ids, foreign: Ids): string {
  const query = String((JSON.parse(body) as { query?: unknown }).query);
  const data = Object.fromEntries(
    [...query.matchAll(/(\w+):mlflowGetRun\(input:\{runId:"(\w+)"/g)].map(([, alias, runId]) => [
      alias,
      { run: { info: { runId, experimentId: (runId === foreign.run ? foreign : ids).experiment } } },
    ]),
  );
  return JSON.stringify({ data });
}

/** Every reply that a look-up may hope for, in one object. */
function factsAbout(ids: Ids) {
  const home = { experiment_id: ids.experiment };
  const endpoint = { endpoint_id: ids.gateway_endpoint, name: ids.gateway_endpoint };
  const definition = {
    model_definition_id: ids.gateway_model_definition,
    name: ids.gateway_model_definition,
    secret_id: ids.gateway_secret,
    provider: 'openai',
  };
  const secret = {
    secret_id: ids.gateway_secret,
    secret_name: ids.gateway_secret,
    masked_values: { api_key: 'a-k...' },
  };
  return {
    run: { info: { ...home, run_id: ids.run, artifact_uri: `mlflow-artifacts:/${ids.artifact}` } },
    model: { info: { ...home, model_id: ids.logged_model, artifact_uri: 'mlflow-artifacts:/7/models/m' } },
    trace: { trace_info: { trace_id: ids.trace, trace_location: { mlflow_experiment: home } } },
    trace_info: { ...home, request_id: ids.trace },
    experiment: {
      ...home,
      name: 'seven',
      creation_time: 1,
      artifact_location: `mlflow-artifacts:/${ids.experiment}`,
    },
    experiment_ids: [ids.experiment],
    issue: home,
    label_schema: home,
    review_queue: { ...home, queue_id: ids.review_queue, name: 'queue', users: [] },
    job: { ...home, job_id: ids.prompt_optimization_job },
    params: home,
    registered_model: { name: ids.registered_model, creation_timestamp: 1, last_updated_timestamp: 1 },
    // Of an MCP server, whose reply is about it alone.
    name: ids.mcp_server,
    creation_timestamp: 1,
    guardrail: { scorer: home },
    scorers: [
      { ...home, scorer_id: ids.scorer_id, scorer_name: 'judge', scorer_version: 1, creation_time: 1 },
    ],
    endpoint,
    endpoints: [endpoint],
    model_definition: definition,
    model_definitions: [definition],
    secret,
    secrets: [secret],
  };
}
