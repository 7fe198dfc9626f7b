import { OPERATIONS } from 'virtual:operations';
import type { Answer, OperationName, Parameters } from '../../admin/contract/index.ts';

/** Stands before every path of this gateway; empty for none. */
export const PREFIX = document.querySelector<HTMLMetaElement>('meta[name="gateway-prefix"]')?.content ?? '';

/** The workspace that MLflow has where it has no others. */
export const DEFAULT_WORKSPACE = 'default';

/** The workspace of MLflow that the page is about, as its address says; undefined for `default`. */
export const workspaceOf = (): string | undefined =>
  new URLSearchParams(window.location.search).get('workspace') || undefined;

/** An answer that is no success, with the sentence that the gateway or MLflow gave. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  /** The HTTP status; 0 where there was no answer at all. */
  readonly status: number;
  /** MLflow's code, such as `RESOURCE_ALREADY_EXISTS`. */
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/**
 * Asks one operation of the gateway's own API.
 *
 * @throws Refusal for every other answer than a success, and for none.
 */
export function ask<Name extends OperationName>(
  name: Name,
  sent: Parameters<Name>,
  signal?: AbortSignal,
): Promise<Answer<Name>> {
  const [method, path] = placeOf(name);
  return send(method, path, sent as Sent, signal) as Promise<Answer<Name>>;
}

/**
 * Asks MLflow, through the gateway.
 *
 * @throws Refusal as {@link ask}.
 */
export function askMlflow(path: string, query: Sent, signal?: AbortSignal): Promise<unknown> {
  return send('GET', `/ajax-api/2.0/mlflow/${path}`, query, signal);
}

/** Where the answer of an operation is downloaded. */
export function addressOf(name: OperationName, query: Sent): string {
  return `${PREFIX}${placeOf(name)[1]}${searchOf(query)}`;
}

function placeOf(name: OperationName): readonly [method: string, path: string] {
  const place = OPERATIONS[name];
  if (place === undefined) {
    throw new Error(`no row serves ${name}`);
  }
  return place;
}

type Sent = Readonly<Record<string, unknown>>;

function searchOf(query: Sent): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  const search = new URLSearchParams(given.map(([key, value]): [string, string] => [key, String(value)]));
  return given.length === 0 ? '' : `?${search}`;
}

async function send(
  method: string,
  path: string,
  sent: Sent,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  const isRead = method === 'GET';
  const workspace = workspaceOf();
  const response = await fetch(`${PREFIX}${path}${isRead ? searchOf(sent) : ''}`, {
    method,
    headers: {
      accept: 'application/json',
      ...(!isRead && { 'content-type': 'application/json' }),
      ...(workspace !== undefined && { 'x-mlflow-workspace': workspace }),
    },
    ...(!isRead && { body: JSON.stringify(sent) }),
    ...(signal && { signal }),
  }).catch((error: unknown) => {
    if (signal?.aborted === true) {
      throw error;
    }
    throw new Refusal(0, 'NO_ANSWER', 'The server gave no answer. Check your connection, then try again.');
  });
  const body: unknown = await response.json().catch(() => undefined);
  if (!response.ok || body === undefined) {
    throw refusalOf(response.status, body);
  }
  return body;
}

function refusalOf(status: number, body: unknown): Refusal {
  const { error_code: code, message } = (body ?? {}) as Readonly<Record<string, unknown>>;
  return new Refusal(
    status,
    typeof code === 'string' ? code : 'UNKNOWN',
    typeof message === 'string' ? message : `The server answered ${status}.`,
  );
}
