import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileProblem } from '../../config/file-problem.ts';
import { TOKEN_PREFIX } from '../../identity/token-secret.ts';
import { refused, unusable } from '../failure.ts';
import type { SigningCommand, SigningTools } from './command.ts';
import { type Connection, withoutCredentials, withPassword } from './connection.ts';
import {
  CREDENTIALS_FILE,
  type FileCredentials,
  readCredentialsFile,
  withCredentials,
} from './credentials-file.ts';
import { isJsonObject, type JsonObject } from './json.ts';
import { openLoopback } from './loopback.ts';
import { replaceFile } from './replace-file.ts';
import { type Input, ServerRefusal } from './send.ts';
import { time } from './shows.ts';
import { secondsOf } from './token-commands.ts';

const SERVER = {
  field: 'server',
  usage: 'URL',
  does: 'the address of the gateway, instead of MLFLOW_TRACKING_URI',
  reads: 'text',
} as const;

/** A token that was fetched, with whose it is. */
interface Fetched {
  readonly token: JsonObject;
  readonly username: string;
  readonly secret: string;
}

/** Has a user allow a token in a browser, and keeps it where MLflow's clients look for it. */
async function login(input: Input, tools: SigningTools): Promise<string> {
  const server = withoutCredentials(tools.connect(textOf(input['server'])));
  const prints = input['print'] === true;
  // Before anybody is asked anything.
  const before = prints ? undefined : readOwnFile(tools);
  const fetched = await fetchToken(input, server, tools);
  if (before !== undefined) {
    await keep(fetched, server, before, tools);
  }
  return report(fetched, server, { prints, json: tools.json });
}

async function fetchToken(input: Input, server: Connection, tools: SigningTools): Promise<Fetched> {
  const verifier = tools.random(32).toString('base64url');
  const state = tools.random(16).toString('base64url');
  const asked = {
    name: textOf(input['name']) ?? `login on ${tools.machine}`.slice(0, LONGEST_NAME),
    ...(input['days'] !== undefined && { expires_in_seconds: String(secondsOf(input['days'])) }),
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    ...{ code_challenge_method: 'S256', state },
  };
  const redeem = (code: string, redirectUri?: string) =>
    tools.send(
      server,
      { method: 'POST', path: '2.0 users/tokens/redeem' },
      { code, code_verifier: verifier, ...(redirectUri !== undefined && { redirect_uri: redirectUri }) },
    );
  const answer =
    input['no_browser'] === true
      ? await byHand(server, asked, redeem, tools)
      : await byBrowser(server, asked, redeem, tools);
  const { token, secret } = answer;
  if (!isJsonObject(token) || typeof token['username'] !== 'string' || typeof secret !== 'string') {
    throw refused('The server did what was asked, but its answer is not the one of the gateway.');
  }
  return { token, secret, username: token['username'] };
}

/** The longest that the name of a machine may make it: a page's address, and a cookie, hold it. */
const LONGEST_NAME = 100;

type Asked = Readonly<Record<string, string>>;
type Redeem = (code: string, redirectUri?: string) => Promise<JsonObject>;

const pageOf = ({ baseUri }: Connection, asked: Asked): string =>
  `${baseUri}/auth/login?${new URLSearchParams(asked)}`;

async function byBrowser(
  server: Connection,
  asked: Asked,
  redeem: Redeem,
  { openBrowser, tell, waitMs }: SigningTools,
): Promise<JsonObject> {
  const loopback = await openLoopback(asked['state'] ?? '', waitMs);
  try {
    const address = pageOf(server, { ...asked, redirect_uri: loopback.redirectUri });
    tell(`Sign in and allow it in the browser that opens, or open this there yourself:\n${address}`);
    openBrowser(address);
    const { code, answer } = await loopback.brought;
    if (code === undefined) {
      await answer('Nothing was allowed. You may close this window.');
      throw refused('Nothing was allowed in the browser; nothing was changed.');
    }
    try {
      const fetched = await redeem(code, loopback.redirectUri);
      await answer('You have signed in at the terminal. You may close this window.');
      return fetched;
    } catch (error) {
      await answer('That did not work. The terminal says why.');
      throw error;
    }
  } finally {
    loopback.close();
  }
}

/** Where the browser is on another machine, the user carries the code over. */
async function byHand(
  server: Connection,
  asked: Asked,
  redeem: Redeem,
  { tell, secrets }: SigningTools,
): Promise<JsonObject> {
  tell(`Open this in a browser, sign in and allow it, then copy the code:\n${pageOf(server, asked)}`);
  return redeem((await secrets.read('Code')).trim());
}

/** Writes a token into the file; one that cannot be kept is deleted, and so is the one that it takes the place of. */
async function keep(
  { username, secret }: Fetched,
  server: Connection,
  { text, found, path }: OwnFile,
  tools: SigningTools,
): Promise<void> {
  const theirs = withPassword(server, { username, password: secret });
  const after = { username, password: secret, server: server.baseUri };
  try {
    write(path, withCredentials(text, after), after);
  } catch (error) {
    await deleteOwnToken(theirs, tools).catch(() => undefined);
    throw error;
  }
  const isOurs = found.server === server.baseUri && found.password?.startsWith(TOKEN_PREFIX) === true;
  if (isOurs && found.username !== undefined && found.password !== undefined) {
    const former = withPassword(server, { username: found.username, password: found.password });
    await deleteOwnToken(former, tools).catch(() => undefined);
  }
  for (const name of ['MLFLOW_TRACKING_USERNAME', 'MLFLOW_TRACKING_PASSWORD'].filter(
    (each) => tools.env[each],
  )) {
    tools.warn(`${name} is set, and counts before ${CREDENTIALS_FILE}: unset ${name}`);
  }
}

function report(
  { token, username, secret }: Fetched,
  { baseUri }: Connection,
  { prints, json }: { readonly prints: boolean; readonly json: boolean },
): string {
  if (json) {
    return `${JSON.stringify({ server: baseUri, token, ...(prints && { secret }) })}\n`;
  }
  return prints
    ? `${secret}\n`
    : `Signed in at ${baseUri} as ${username}, until ${time('expires_at', 'you sign out')(token)}. The token is in ${CREDENTIALS_FILE}.\n`;
}

/** Deletes the token that `login` has fetched, at the gateway and in the file. */
async function logout(input: Input, tools: SigningTools): Promise<string> {
  const { text, found, path } = readOwnFile(tools);
  const { username, password, server } = found;
  if (username === undefined || password?.startsWith(TOKEN_PREFIX) !== true) {
    throw unusable(`You are not signed in: ${CREDENTIALS_FILE} has no token of mlflow-auth-client login.`);
  }
  const connection = withPassword(tools.connect(textOf(input['server']) ?? server), { username, password });
  const wasThere = await deleteOwnToken(connection, tools);
  write(path, withCredentials(text, undefined), undefined);
  return tools.json
    ? '{}\n'
    : `Signed out: the token ${wasThere ? 'is deleted' : 'had ended already'} at ${connection.baseUri}, and is no longer in ${CREDENTIALS_FILE}.\n`;
}

/** Deletes the token that a connection is signed in with; false if the gateway knows it no more. */
async function deleteOwnToken(connection: Connection, { send }: SigningTools): Promise<boolean> {
  try {
    const { credential } = await send(connection, { method: 'GET', path: '2.0 users/current' }, {});
    const id = isJsonObject(credential) && credential['kind'] === 'token' ? credential['id'] : undefined;
    if (typeof id !== 'string') {
      throw refused(`${connection.baseUri} does not take it for a token; nothing was changed.`);
    }
    await send(connection, { method: 'DELETE', path: '2.0 users/tokens/delete' }, { token_id: id });
    return true;
  } catch (error) {
    if (error instanceof ServerRefusal && error.status === 401) {
      return false;
    }
    throw error;
  }
}

interface OwnFile {
  readonly path: string;
  readonly text: string;
  readonly found: FileCredentials;
}

function readOwnFile({ home }: SigningTools): OwnFile {
  const path = join(home, CREDENTIALS_FILE.slice('~/'.length));
  const text = textIn(path);
  return { path, text, found: readCredentialsFile(text, CREDENTIALS_FILE) };
}

function textIn(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return '';
    }
    throw unusable(`${CREDENTIALS_FILE} cannot be read: ${fileProblem(error, 'read')}.`);
  }
}

/** @throws CommandFailure (exit code 2) if MLflow would not read from the file what was to be written into it. */
function write(path: string, text: string, meant: FileCredentials | undefined): void {
  const { username, password } = readCredentialsFile(text, CREDENTIALS_FILE);
  if (meant !== undefined && (username !== meant.username || password !== meant.password)) {
    throw unusable(`${CREDENTIALS_FILE} cannot hold this name. Type mlflow-auth-client login --print.`);
  }
  try {
    replaceFile(path, text);
  } catch (error) {
    throw unusable(
      `${CREDENTIALS_FILE} cannot be written: ${fileProblem(error, 'write')}. Type mlflow-auth-client login --print.`,
    );
  }
}

const textOf = (value: Input[string] | undefined): string | undefined =>
  typeof value === 'string' ? value : undefined;

const GROUP = 'Sign-in';

/** Commands by which a person signs in at a terminal. */
export const LOGIN_COMMANDS: readonly SigningCommand[] = [
  {
    name: 'login',
    group: GROUP,
    does: 'sign in by your browser, and keep a token for MLflow in ~/.mlflow/credentials',
    more: 'You sign in there as always, also by a provider of single sign-on, and are asked whether you allow it.',
    takes: [],
    flags: [
      SERVER,
      { field: 'name', usage: 'NAME', does: 'what the token is called: login on MACHINE', reads: 'text' },
      { field: 'days', usage: 'DAYS', does: 'how long it lives', reads: 'text' },
      {
        field: 'print',
        usage: '',
        does: 'print it, for MLFLOW_TRACKING_TOKEN, and keep it nowhere',
        reads: 'flag',
      },
      {
        field: 'no_browser',
        usage: '',
        does: 'the browser is on another machine: a code is carried over by hand',
        reads: 'flag',
      },
    ],
    signs: login,
    examples: ['login --server https://mlflow.example.com', 'login --no-browser', 'login --print --days 1'],
  },
  {
    name: 'logout',
    group: GROUP,
    does: 'delete the token of login, at the server and in ~/.mlflow/credentials',
    takes: [],
    flags: [SERVER],
    signs: logout,
    examples: ['logout'],
  },
];
