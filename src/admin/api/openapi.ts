import { z } from 'zod';
import { manifest } from '../../manifest.ts';
import { expandPath } from '../../mlflow/table/match.ts';
import type { AnyRow, Need } from '../../mlflow/table/row.ts';
import type { Reply } from '../../reply.ts';
import type { Described } from '../contract/fields.ts';
import { CONTRACT, type OperationName } from '../contract/index.ts';
import type { Call } from '../handler.ts';
import { OWN_SECTIONS } from '../routes.ts';

/** The description of the gateway's own API, for programs that read one. */
export function openapiHandlers() {
  return {
    'api.openapi': ({ prefix }: Call): Reply => ({
      headers: { 'cache-control': 'no-cache' },
      body: describeApi(OWN_SECTIONS, prefix),
    }),
  };
}

/** What a caller needs beyond what the row touches, in words. */
const NEEDS: Partial<Readonly<Record<Need, string>>> = {
  public: 'Needs no credentials.',
  'signed-in': 'For everybody who has signed in, as far as they may.',
  admin: 'For admins.',
  manage: 'For those who hold MANAGE on it, and admins.',
};
/** Of rows that touch a user. */
const SELF = 'For the user and for admins.';

const ERROR = z.object({
  error_code: z.string().describe("One of MLflow's codes, such as PERMISSION_DENIED."),
  message: z.string(),
});

/**
 * An OpenAPI 3.1 document of rows and their contract. Where an operation exists under `/api` and `/ajax-api`, it stands
 * here once, under `/api`; the other is for pages.
 *
 * @param sections - rows by what they are about.
 * @param prefix - before every path of this gateway; empty for none.
 * @see https://spec.openapis.org/oas/v3.1.1
 */
export function describeApi(sections: Readonly<Record<string, readonly AnyRow[]>>, prefix: string) {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [title, rows] of Object.entries(sections)) {
    for (const row of rows) {
      const name = operationIn(row);
      if (name === undefined) {
        continue;
      }
      const [methods, path] = row;
      const [full = ''] = expandPath(path);
      for (const method of methods.split('|')) {
        paths[full] = { ...paths[full], [method.toLowerCase()]: operationOf(row, name, title) };
      }
    }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'mlflow-auth-gateway',
      version: manifest.version,
      description:
        "The gateway's own API. Everything else below /api is MLflow's, judged and passed on. " +
        'Times are milliseconds since the epoch.',
    },
    servers: [{ url: prefix === '' ? '/' : prefix }],
    tags: Object.keys(sections).map((name) => ({ name })),
    security: [{ password: [] }, { token: [] }],
    paths,
    components: {
      securitySchemes: {
        password: { type: 'http', scheme: 'basic' },
        token: { type: 'http', scheme: 'bearer' },
      },
      schemas: { Error: shownSchema(ERROR, 'output') },
    },
  };
}

function operationOf([, , need, touches = []]: AnyRow, name: OperationName, title: string) {
  const { does, query, body, answer }: Described = CONTRACT[name];
  const isPublic = need === 'public';
  const isAboutUser = [touches].flat().some(({ kind }) => kind === 'user');
  const who = isAboutUser ? SELF : NEEDS[need];
  return {
    operationId: name,
    tags: [title],
    summary: does,
    ...(who !== undefined && { description: who }),
    ...(isPublic && { security: [] }),
    ...(query !== undefined && { parameters: parametersOf(query) }),
    ...(body !== undefined && { requestBody: bodyOf(body) }),
    responses: {
      200: { description: 'Done.', content: contentOf(answer) },
      default: {
        description: 'Refused, or not possible.',
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
      },
    },
  };
}

/** What serves a row; undefined for a page. */
function operationIn([, , , , ...rules]: AnyRow): OperationName | undefined {
  const [served] = rules.flatMap((rule) => (rule.rule === 'serve' ? [rule.handler] : []));
  return Object.keys(CONTRACT).find((name): name is OperationName => name === served);
}

function parametersOf(query: z.ZodRawShape) {
  const { properties = {}, required = [] } = shownSchema(z.object(query), 'input');
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
  }));
}

function bodyOf(body: z.ZodRawShape) {
  const schema = shownSchema(z.object(body), 'input');
  return { required: true, content: { 'application/json': { schema } } };
}

function contentOf(answer: Described['answer']) {
  if (answer instanceof z.ZodObject) {
    return { 'application/json': { schema: shownSchema(answer, 'output') } };
  }
  return Object.fromEntries(answer.map((type) => [type, { schema: { type: 'string' } }]));
}

interface ShownSchema {
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly required?: readonly string[];
}

/** JSON Schema of draft 2020-12, which OpenAPI 3.1 is made of. */
function shownSchema(schema: z.ZodObject, io: 'input' | 'output'): ShownSchema {
  const { $schema: _, ...shown } = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      // Answers may get more keys with time.
      if (io === 'output' && jsonSchema.additionalProperties === false) {
        delete jsonSchema.additionalProperties;
      }
    },
  });
  return shown;
}
