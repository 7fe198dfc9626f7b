import { PREFIX } from '../api/client.ts';
import { useAsk } from '../api/queries.ts';
import { Answered } from '../parts/answered.tsx';
import { Page, Part } from '../parts/page.tsx';
import { T } from '../texts.ts';

interface Schema {
  readonly type?: string | readonly string[];
  readonly description?: string;
}
interface WithProperties {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
}
interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly tags: readonly [string];
  readonly parameters?: readonly {
    readonly name: string;
    readonly required: boolean;
    readonly schema: Schema;
  }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: WithProperties }>> };
}
/** As much of the document as the page shows. */
interface Document {
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

/** The description of the API, for people. */
export function Api() {
  const described = useAsk('api.openapi', {});
  return (
    <Page title={T.api.title} lead={T.api.lead}>
      <p>
        <a href={`${PREFIX}/auth/openapi.json`}>{T.api.document}</a>
      </p>
      <Answered query={described}>
        {(found) => {
          const { tags, paths } = found as unknown as Document;
          return tags.map(({ name }) => <Section key={name} name={name} paths={paths} />);
        }}
      </Answered>
    </Page>
  );
}

function Section({ name, paths }: { readonly name: string; readonly paths: Document['paths'] }) {
  const operations = Object.entries(paths)
    .flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
    )
    .filter(({ operation }) => operation.tags[0] === name);
  return operations.length === 0 ? null : (
    <Part title={name}>
      {operations.map(({ path, method, operation }) => (
        <details key={operation.operationId}>
          <summary>
            <code>
              {method.toUpperCase()} {path}
            </code>{' '}
            {operation.summary}
          </summary>
          {operation.description === undefined ? null : <p>{operation.description}</p>}
          <TakenBy operation={operation} />
        </details>
      ))}
    </Part>
  );
}

function TakenBy({ operation: { parameters = [], requestBody } }: { readonly operation: Operation }) {
  const { properties = {}, required = [] } = requestBody?.content['application/json']?.schema ?? {};
  const taken = [
    ...parameters,
    ...Object.entries(properties).map(([name, schema]) => ({
      name,
      schema,
      required: required.includes(name),
    })),
  ];
  return taken.length === 0 ? null : (
    <dl>
      {taken.map(({ name, schema, required: isRequired }) => (
        <div key={name}>
          <dt>
            <code>{name}</code> {isRequired ? `(${T.api.required})` : ''}
          </dt>
          <dd>{schema.description ?? [schema.type ?? ''].flat().join(', ')}</dd>
        </div>
      ))}
    </dl>
  );
}
