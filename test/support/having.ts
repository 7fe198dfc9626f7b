import type { Answering } from './fake-upstream.ts';

/** What an upstream has: experiments by their ids with their names, and names of models. */
export interface Had {
  readonly experiments?: Readonly<Record<string, string>>;
  readonly models?: readonly string[];
}

/**
 * Answers as MLflow does where it is asked for an experiment or a model that it has, or has not, or for all of them, whatever
 * the filter; 200 and `{}` to all else.
 */
export function having({ experiments = {}, models = [] }: Had): Answering {
  return (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://upstream');
    const asked = searchParams.get('experiment_id') ?? searchParams.get('name') ?? '';
    response.setHeader('content-type', 'application/json');
    if (pathname.endsWith('/experiments/get')) {
      const name = experiments[asked];
      const experiment = { experiment_id: asked, name, creation_time: 1, last_update_time: 1 };
      send(name === undefined ? undefined : { experiment });
    } else if (pathname.endsWith('/registered-models/get')) {
      const model = { name: asked, creation_timestamp: 1, last_updated_timestamp: 1 };
      send(models.includes(asked) ? { registered_model: model } : undefined);
    } else if (pathname.endsWith('/experiments/search')) {
      send({
        experiments: Object.entries(experiments).map(([experiment_id, name]) => ({ experiment_id, name })),
      });
    } else if (pathname.endsWith('/registered-models/search')) {
      send({ registered_models: models.map((name) => ({ name })) });
    } else {
      send({});
    }

    function send(found: object | undefined): void {
      response.statusCode = found === undefined ? 404 : 200;
      response.end(JSON.stringify(found ?? { error_code: 'RESOURCE_DOES_NOT_EXIST', message: 'none' }));
    }
  };
}
