import { propertyAt } from './read/property-at.ts';
import { type Coverage, coverageOf, describeCoverage } from './table/coverage.ts';
import type { AnyRow } from './table/row.ts';
import { replyJson } from './upstream/answer-json.ts';
import { isArtifactsOnly } from './upstream/artifacts-only.ts';
import type { Answer, Upstream } from './upstream/upstream.ts';

/** What was found at the upstream. */
export interface Survey {
  /** What it says it is, such as `3.17.2`. */
  readonly version: string | undefined;
  readonly coverage: Coverage | undefined;
  /** Why users cannot work with it, each a sentence that says what to do. */
  readonly problems: readonly string[];
  /** How it was started, and what follows from that. */
  readonly notes: readonly string[];
}

export interface Surveyed {
  readonly upstream: Pick<Upstream, 'look' | 'host' | 'version'>;
  /** The settings that the upstream is held against. */
  readonly staticPrefix: string;
  readonly uri: string;
  /** What the gateway has rows for. */
  readonly rows: readonly AnyRow[];
}

/** What each question is answered with. */
interface Answers {
  readonly version: string | undefined;
  /** A page for people: it is under the prefix in every version. */
  readonly home: Answer;
  /** An operation that MLflow's own auth app guards. */
  readonly guarded: Answer;
  readonly files: Answer;
  readonly info: Answer;
}

const GUARDED_UPSTREAM = 'MLflow was started with --app-name basic-auth: take that off';

/**
 * Looks at an upstream as a user will meet it: whether it lets the gateway in, what it serves, and under which prefix.
 *
 * @throws ApiError 503 or 504 if it does not answer.
 */
export async function survey({ upstream, staticPrefix, uri, rows }: Surveyed): Promise<Survey> {
  const [itself, home, guarded, files, info] = await Promise.all([
    upstream.look('/version'),
    upstream.look('/'),
    upstream.look('/api/2.0/mlflow/experiments/get?experiment_id=0'),
    upstream.look('/api/2.0/mlflow-artifacts/artifacts?path=0'),
    upstream.look('/api/3.0/mlflow/server-info'),
    // From now on requests are read as this version reads them.
    upstream.version().catch(() => undefined),
  ]);
  const version = itself.status === 200 ? /^\d+\.\d+\S*/.exec(textOf(itself))?.[0] : undefined;
  const answers: Answers = { version, home, guarded, files, info };
  return {
    version,
    coverage: version === undefined ? undefined : coverageOf(version, rows),
    problems: [...problemsIn(answers, upstream.host, staticPrefix)],
    notes: [...notesOn(answers, uri)],
  };
}

/** The first line about an upstream: which MLflow it is. */
export function nameOf({ version, coverage }: Survey): string {
  return version === undefined || coverage === undefined
    ? 'something answers, but does not say which MLflow it is'
    : `it is MLflow ${version}; ${describeCoverage(coverage)}`;
}

function* problemsIn({ version, home, guarded }: Answers, host: string, prefix: string): Iterable<string> {
  if (guarded.status === 401) {
    yield isBasicAuth(guarded)
      ? `${GUARDED_UPSTREAM}. Until then users get 502.`
      : 'The upstream asks for a sign-in of its own, which the gateway does not give: take that off. Until then users get 502.';
    return;
  }
  if (guarded.status === 403 && textOf(guarded).startsWith('Invalid Host header')) {
    yield `MLflow refuses the Host "${host}": set upstream_host to one of its --allowed-hosts.`;
    return;
  }
  if (home.status === 404 && prefix === '' && !isArtifactsOnly(guarded)) {
    yield 'MLflow serves no page at its root: if it was started with --static-prefix, set static_prefix to the same.';
  } else if (home.status === 404 && prefix !== '') {
    yield `MLflow serves nothing below static_prefix: start it with --static-prefix ${prefix}, or leave static_prefix out.`;
  } else if (version === undefined) {
    yield 'The upstream does not say which MLflow it is: check upstream_uri.';
  }
}

function* notesOn({ version, guarded, files, info }: Answers, uri: string): Iterable<string> {
  if (isArtifactsOnly(guarded)) {
    yield 'MLflow runs with --artifacts-only: an admin grants experiments by their ids.';
    return;
  }
  if (files.status === 503) {
    yield 'MLflow does not serve artifacts: clients reach the storage by themselves, past the gateway.';
  } else {
    const location = propertyAt(replyJson(guarded), 'experiment.artifact_location');
    if (typeof location === 'string' && !location.startsWith('mlflow-artifacts:')) {
      yield `MLflow keeps artifacts at ${schemeOf(location)}: clients reach that storage by themselves, past the gateway.`;
    }
  }
  if (propertyAt(replyJson(info), 'workspaces_enabled') === true) {
    yield 'MLflow runs with --enable-workspaces: users are in the workspaces that they have a role in, in the workspace default too.';
  }
  if (uri.startsWith('unix:') && version !== undefined && !/^2\./.test(version)) {
    yield 'MLflow listens on a socket: its jobs cannot call AI gateway endpoints. Whether it runs any does not show from here: MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false has it run none.';
  }
}

/** MLflow's own auth app, by the realm of its challenge; another sign-in has another. */
function isBasicAuth({ headers }: Answer): boolean {
  return String(headers['www-authenticate'] ?? '').includes('realm="mlflow"');
}

/** Such as `s3:`, without bucket or path; a path on the server's disk is one of its files. */
function schemeOf(location: string): string {
  return /^[a-z][\w+.-]*:/i.exec(location)?.[0] ?? 'a path of its own disk';
}

const textOf = ({ bytes }: Answer): string => bytes.toString('utf8');
