import { randomBytes } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import { entryJson } from './admin/api/audit.ts';
import type { InvitationHandlerParts } from './admin/api/invitations.ts';
import { createProviderUsers } from './admin/deeds/provider-users.ts';
import type { SessionParts } from './admin/deeds/sessions.ts';
import type { TokenParts } from './admin/deeds/tokens.ts';
import { addUser } from './admin/deeds/users.ts';
import { createHandlers, type HandlerParts, type Handlers } from './admin/index.ts';
import type { Provider as SignInProvider } from './admin/pages/sign-in.ts';
import { createReadiness, type Readiness } from './admin/readiness.ts';
import { type AppOptions, buildApp, MAX_HEADER_BYTES } from './app.ts';
import { changingBy } from './audit/changing.ts';
import { followingStore } from './audit/following.ts';
import { showingStore } from './audit/kept.ts';
import { createRecorder, type Recorder } from './audit/recorder.ts';
import { recordUnattended } from './audit/unattended.ts';
import { readAllowedHost } from './config/allowed-hosts.ts';
import { issuerKey } from './config/providers.ts';
import type { Config } from './config.ts';
import { createAdoption } from './gateway/adoption/adopt.ts';
import { entryOf, signInOf } from './gateway/audited.ts';
import type { Context } from './gateway/index.ts';
import { createJudge, type JudgeParts } from './gateway/judge/judge.ts';
import { visibilityOf } from './gateway/judge/visibility.ts';
import type { Ended } from './gateway/record.ts';
import { type Census, createCensus } from './gateway/reused-ids/census.ts';
import { createPageTokens } from './gateway/search/page-token.ts';
import { greetOnceThere, type Repeated, reasonOf, repeatedly } from './greeting.ts';
import { createAccounts } from './identity/accounts.ts';
import { type BasicOptions, createBasic } from './identity/basic.ts';
import { generatePassword } from './identity/generate-password.ts';
import { limitBasic, limitLocal } from './identity/limited-basic.ts';
import { createBearerJwt } from './identity/oidc/bearer-jwt.ts';
import { type CheckedSessionOptions, createCheckedSession } from './identity/oidc/checked-session.ts';
import { openProviders, type Provider } from './identity/oidc/provider.ts';
import { createSealing } from './identity/oidc/sealed.ts';
import { createPace } from './identity/pace.ts';
import { createPasswords, type Passwords } from './identity/password.ts';
import type { Authenticator } from './identity/principal.ts';
import { createSession } from './identity/session.ts';
import { createThrottle, type ThrottleLimits } from './identity/throttle.ts';
import { together } from './identity/together.ts';
import { createToken } from './identity/token.ts';
import { createUses, type Uses } from './identity/uses.ts';
import { type Listening, prepareListening, readUpstreamCa } from './listening/index.ts';
import { manifest } from './manifest.ts';
import { listenForScrapes } from './metrics/listen.ts';
import type { Metrics } from './metrics/metrics.ts';
import { type Survey, survey } from './mlflow/survey.ts';
import { createMatcher } from './mlflow/table/match.ts';
import { createArtifactHomes } from './mlflow/things/artifact-homes.ts';
import { createElsewhere } from './mlflow/things/elsewhere.ts';
import { createLineage, type Lineage } from './mlflow/things/lineage.ts';
import { createListThings } from './mlflow/things/list-things.ts';
import { createLookAt } from './mlflow/things/look-at.ts';
import { createStoredName } from './mlflow/things/stored-names.ts';
import { createWorkspaces } from './mlflow/things/workspaces.ts';
import { createUpstream, type Upstream } from './mlflow/upstream/upstream.ts';
import { recentlyUsed } from './recently-used.ts';
import { ROUTES } from './routes.ts';
import type { AuditEntry } from './store/audit/index.ts';
import { openStore, type Store } from './store/index.ts';
import { DEFAULT_WORKSPACE } from './store/workspace.ts';

export interface ServerOptions {
  readonly logger: FastifyBaseLogger;
  /** Milliseconds since the epoch. */
  readonly clock?: () => number;
  /** Source of randomness, for generated passwords and keys. */
  readonly random?: (bytes: number) => Buffer;
}

export interface RunningServer {
  /** Where it listens, such as `http://127.0.0.1:5000`. */
  readonly url: string;
  /** Where Prometheus is answered, if it is. */
  readonly metricsUrl: string | undefined;
  /** Set if this start created the first administrator with a generated password: shown once, never stored. */
  readonly firstAdmin: { readonly username: string; readonly password: string } | undefined;
  readonly store: Store;
  /** Reads certificate and key anew, if it has any. */
  readonly renew: (() => void) | undefined;
  /** Ends requests under way, then everything else. */
  close(): Promise<void>;
}

/** What nobody is to overlook. */
const REPORT_ONLY =
  'PERMISSIONS ARE NOT ENFORCED (enforcement = report): every user who signs in may do everything in MLflow. What would be refused is in the audit log: mlflow-auth-gateway report';

/** What the entry of the first administrator in the audit log says. */
const FIRST_START = { operation: 'start', because: 'the store was empty' } as const;

/**
 * Starts the gateway.
 *
 * @throws Error with a sentence for the person who started it, if the store cannot be opened or the port is taken.
 */
export async function startServer(config: Config, options: ServerOptions): Promise<RunningServer> {
  /** What is to be closed, last opened first. */
  const closers: (() => unknown)[] = [];
  const close = async () => {
    for (const each of closers.splice(0)) {
      await each();
    }
  };
  try {
    const given = { clock: Date.now, random: randomBytes, ...options };
    const parts = await build(config, given, await open(config, given, closers));
    const { app, store, passwords, listening } = parts;
    await checkAdminsByProvider(config, store, options.logger);
    const firstAdmin = await makeFirstAdmin(config, store, passwords, given.random);
    const metricsUrl = await serveMetrics(config, parts.metrics, closers);
    if (config.enforcement === 'report') {
      options.logger.warn(REPORT_ONLY);
    }
    const url = await app.listen({ host: config.host, port: config.port, backlog: BACKLOG });
    closers.unshift(() => drain(app, listening, config.drain_seconds * 1000));
    closers.unshift(...keepUp(parts, config, options.logger).map(({ stop }) => stop));
    // After the port is ours: a password that is made up can be shown only by a start that succeeds.
    if (firstAdmin !== undefined) {
      const record = recordUnattended({ ...FIRST_START, clock: given.clock });
      await addUser(changingBy(store, record).users, firstAdmin.user);
    }
    return {
      url,
      metricsUrl,
      firstAdmin: firstAdmin?.shown,
      store,
      renew: listening.certificate?.check,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The issuers by which alone admins sign in; undefined where their passwords are taken. */
function adminsBy({ local_sign_in: by, oidc = [] }: Config): readonly string[] | undefined {
  return by === 'nobody'
    ? oidc.filter(({ client_id: id }) => id !== undefined).map(({ issuer }) => issuerKey(issuer))
    : undefined;
}

/**
 * Refuses to start where no admin could sign in: nobody could let one in again either.
 *
 * @throws Error with what to do.
 */
async function checkAdminsByProvider(config: Config, store: Store, log: FastifyBaseLogger): Promise<void> {
  const issuers = adminsBy(config);
  if (issuers === undefined) {
    return;
  }
  const admins = (await store.users.list()).filter(
    (user) => user.isAdmin && user.isActive && !user.isService,
  );
  for (const { id } of admins) {
    if ((await store.identities.ofUser(id)).some(({ issuer }) => issuers.includes(issuer))) {
      return;
    }
  }
  if (
    !config.oidc?.some(({ client_id: id, admin_group: group }) => id !== undefined && group !== undefined)
  ) {
    throw new Error(NO_ADMIN);
  }
  log.warn('No admin can sign in yet (local_sign_in = nobody): the first one comes by an admin_group.');
}

const NO_ADMIN =
  'No admin could sign in: local_sign_in = nobody, and none is known to a provider. Start with local_sign_in = admins, sign in by a provider, and make that user an admin (mlflow-auth-client update-user-admin NAME True); or name an admin_group of a provider.';

/** What has to be closed again. */
interface Opened {
  readonly listening: Listening;
  readonly metrics: Metrics | undefined;
  readonly store: Store;
  readonly passwords: Passwords;
  readonly upstream: Upstream;
  readonly recorder: Recorder;
  /** When tokens, and sessions, are used. */
  readonly uses: { readonly token: Uses; readonly session: Uses };
  readonly providers: readonly Provider[];
}

/** The options of a start, none left out. */
type Given = Required<ServerOptions>;

/** Opens what a gateway stands on: the store, the way to the upstream, threads and timers. Nothing listens yet. */
async function open(config: Config, { logger, clock }: Given, closers: (() => unknown)[]): Promise<Opened> {
  const ca = readUpstreamCa(config);
  const providers = openProviders(config.oidc ?? [], clock);
  closers.unshift(() => Promise.all(providers.map((provider) => provider.close())));
  const listening = await prepareListening(config, { log: logger, maxHeaderBytes: MAX_HEADER_BYTES, clock });
  closers.unshift(() => listening.stop());
  const metrics = config.metrics_port === 0 ? undefined : await measuring();
  const opened = await openStore(config.database_uri, {
    clock,
    queried: metrics?.queried,
    connections: config.database_connections,
    timeoutSeconds: config.database_timeout_seconds,
    adminsBy: adminsBy(config),
  });
  closers.unshift(() => opened.close());
  const store = config.audit_stdout ? showingStore(opened, showEntry) : opened;
  const passwords = createPasswords({
    rounds: config.password_rounds,
    minLength: config.min_password_length,
  });
  closers.unshift(() => passwords.close());
  const upstream = createUpstream({
    uri: config.upstream_uri,
    host: config.upstream_host,
    staticPrefix: config.static_prefix,
    ca,
    timeoutSeconds: config.upstream_timeout_seconds,
    connections: config.upstream_connections,
    perUser: config.requests_per_user,
    keepAlive: config.upstream_keep_alive,
    answered: metrics?.upstreamAnswered,
    clock,
  });
  closers.unshift(() => upstream.close());
  const recorder = createRecorder({
    audit: store.audit,
    log: logger,
    keepDays: config.audit_keep_days,
    clock,
  });
  closers.unshift(() => recorder.close());
  const noted = { log: logger, clock };
  const uses = {
    token: createUses({ write: store.tokens.noteUse, what: 'tokens', ...noted }),
    session: createUses({ write: store.sessions.noteUse, what: 'sessions', ...noted }),
  };
  closers.unshift(() => Promise.all([uses.token.close(), uses.session.close()]));
  return { listening, metrics, store, passwords, upstream, recorder, uses, providers };
}

/** Loaded where it is asked for alone: without, a gateway takes a megabyte less. */
async function measuring(): Promise<Metrics> {
  const { createMetrics } = await import('./metrics/metrics.ts');
  return createMetrics(manifest.version);
}

interface Parts extends Opened {
  readonly app: FastifyInstance;
  /** Settles intents that were left open; answers how many still are. */
  readonly settle: () => Promise<number>;
  /** Looks at the upstream. */
  readonly look: () => Promise<Survey>;
}

/** Puts together what answers requests. */
async function build(config: Config, given: Given, opened: Opened): Promise<Parts> {
  const { logger, clock } = given;
  const { listening, metrics, store, passwords, upstream } = opened;
  const look = () =>
    survey({ upstream, uri: config.upstream_uri, staticPrefix: config.static_prefix, rows: ROUTES });
  const following = followingStore(store, clock);
  const workspaces = createWorkspaces(upstream, clock);
  const lookUps = lookUpsOf(config, opened, following, given);
  const adoption = createAdoption(following, upstream, clock, logger);
  const readiness = watchedReadiness(store, upstream, clock, logger);
  const certificateEndsAt = () => listening.certificate?.validity().endsAt;
  metrics?.watch({ store, upstream, readiness, certificateEndsAt });
  const key = await store.pageTokenKey();
  const { ways, ...signingIn } = signingInOf(config, opened, given, key);
  const handling: Handling = {
    passwords,
    ...signingIn,
    ...credentialsIn(config, given),
    listUsersTo: config.list_users_to,
    accessRequests: accessRequestLimits(config),
    providers: config.oidc ?? [],
    mlflowVersion: () => upstream.version(),
    workspaces,
    health: {
      ...{ store, readiness, survey: look, certificateEndsAt },
      startedAt: clock(),
      enforcement: config.enforcement,
    },
  };
  const whole: Context & LookUps = {
    ...{ upstream, store, adoption },
    ...lookUps,
    handlers: handlersOn({ store, upstream }, lookUps, handling),
  };
  const within = contextsOf(whole, { config, opened, given, handling });
  const app = buildApp(
    {
      find: createMatcher(ROUTES),
      ways,
      ...whole,
      workspaces,
      within,
      opensDefault: config.grant_default_workspace_access,
      pageTokens: createPageTokens(key),
      maxJsonBodyBytes: config.max_json_body_bytes,
      staticPrefix: config.static_prefix,
      perAddress: config.requests_per_address,
      enforcement: config.enforcement,
      allowedHosts: config.ai_gateway_allowed_hosts?.flatMap((host) => readAllowedHost(host) ?? []),
      ended: endedIn(config, { ...opened, clock }),
      clock,
    },
    appOptions(config, logger, listening),
  );
  return { app, look, settle: () => settleAll(store, whole, within), ...opened };
}

/** Settles what was left open in every workspace. */
async function settleAll(
  store: Store,
  whole: Context,
  within: (workspace: string) => Context,
): Promise<number> {
  let open = await whole.adoption.settle();
  for (const workspace of await store.intents.workspaces()) {
    open += workspace === DEFAULT_WORKSPACE ? 0 : await within(workspace).adoption.settle();
  }
  return open;
}

type LookUps = Pick<Context, 'census' | 'lineage' | 'judge'> & {
  /** What the judge asks. */
  readonly asked: JudgeParts;
};

/** What is asked of the upstream for a decision, and the judge that asks it. */
function lookUpsOf(
  config: Config,
  { upstream, metrics }: Opened,
  store: Store,
  { clock, logger }: Given,
): LookUps {
  const census = createCensus({
    ...{ store, upstream, clock, log: logger },
    lost: (experimentId) => lineage.forget(experimentId),
  });
  const lineage = createLineage(upstream, { lookedUp: metrics?.lookedUp, madeAt: census.madeAt, clock });
  const asked: JudgeParts = {
    lineage,
    artifactHomes: createArtifactHomes(upstream, lineage),
    storedName: createStoredName(upstream),
    defaultPermission: config.default_permission,
    keepsExperiments: census.keepsExperiments,
  };
  return { census, lineage, asked, judge: createJudge(asked) };
}

/** What the gateway's own operations are served with, whichever workspace they are about. */
type Handling = Omit<HandlerParts, 'store' | 'deciding' | 'defaultPermission' | 'lookAt' | 'listThings'>;

function handlersOn(
  { store, upstream }: Pick<Context, 'store' | 'upstream'>,
  { judge, lineage }: Pick<LookUps, 'judge' | 'lineage'>,
  handling: Handling,
): Handlers {
  const deciding: HandlerParts['deciding'] = {
    ...judge,
    isPrompt: lineage.isPrompt,
    readable: (caller, kind) => visibilityOf(judge, caller, kind).only,
  };
  return createHandlers({
    ...handling,
    ...{ store, deciding, lookAt: createLookAt(upstream), listThings: createListThings(upstream) },
    defaultPermission: judge.defaultPermission,
  });
}

interface ContextParts {
  readonly config: Config;
  readonly opened: Opened;
  readonly given: Given;
  readonly handling: Handling;
}

/** Workspaces whose names and ids are remembered at once. */
const CONTEXTS = 200;

/** Makes and remembers what knows the names and ids of each workspace of an MLflow that has them. */
function contextsOf(whole: Context & LookUps, parts: ContextParts): (workspace: string) => Context {
  const contexts = recentlyUsed<Context>(CONTEXTS);
  return (workspace) => {
    const known = contexts.get(workspace) ?? contextOf(workspace, whole, parts);
    contexts.set(workspace, known);
    return known;
  };
}

function contextOf(
  workspace: string,
  whole: Context & LookUps,
  { config, opened, given: { clock, logger }, handling }: ContextParts,
): Context {
  const isDefault = workspace === DEFAULT_WORKSPACE;
  const upstream = opened.upstream.within(workspace);
  const store = opened.store.within(workspace);
  const census = isDefault ? whole.census : noCensus(whole.census);
  const lineage = isDefault
    ? whole.lineage
    : createLineage(upstream, { lookedUp: opened.metrics?.lookedUp, clock });
  const opensDefault = isDefault && config.grant_default_workspace_access;
  const judge = createJudge({
    ...(isDefault ? whole.asked : asksOf(upstream, lineage)),
    keepsExperiments: census.keepsExperiments,
    // Where nothing is granted to who is let in by a role, nothing is given.
    defaultPermission: opensDefault ? config.default_permission : 'NO_PERMISSIONS',
    workspace,
    isElsewhere: createElsewhere(opened.upstream, handling.workspaces, workspace),
  });
  const adoption = isDefault
    ? whole.adoption
    : createAdoption(followingStore(store, clock), upstream, clock, logger);
  const handlers = handlersOn({ store, upstream }, { judge, lineage }, handling);
  return { upstream, store, census, lineage, judge, adoption, handlers };
}

const asksOf = (upstream: Upstream, lineage: Lineage) => ({
  lineage,
  artifactHomes: createArtifactHomes(upstream, lineage),
  storedName: createStoredName(upstream),
});

/** Which experiment has which id is looked at in the default workspace alone. */
function noCensus({ keepsExperiments }: Census): Census {
  return {
    lately: () => undefined,
    afresh: async () => {},
    madeAt: () => undefined,
    keepsExperiments,
  };
}

/**
 * Connections that the system holds until the gateway takes them: with Node's 511 it would refuse some of a thousand that
 * come while the gateway is busy for a moment. The system may hold fewer (Linux: net.core.somaxconn).
 */
const BACKLOG = 4_096;
/** How fast sign-ins are refused unseen: the flood of a few hundred connections becomes a trickle. */
const REFUSALS = { perSecond: 50, longestMs: 5_000 } as const;

/** The ways of proving identity, in the order of asking, and what the pages are made of on which one does so. */
function signingInOf(
  config: Config,
  { store, passwords, metrics, providers }: Opened,
  { random, clock, logger }: Given,
  key: Uint8Array,
) {
  const accounts = createAccounts(store, { found: metrics?.foundAccount, clock });
  const throttle = createThrottle(store.throttles, limitsIn(config), clock);
  const passwordsOf = createBasic({
    ...{ accounts, passwords, throttle },
    processKey: random(32),
    pace: createPace({ ...REFUSALS, clock: () => performance.now() }),
    rehash: rehashIn(store, passwords),
  });
  const basic = limitLocal(passwordsOf, config.local_sign_in);
  const session = createSession({
    ...{ accounts, clock, idleMs: sessionTimes(config).idleMs },
    ownerOf: together(store.sessions.ownersOf),
  });
  const token = createToken({ accounts, ownerOf: together(store.tokens.ownersOf), clock });
  const settle = createProviderUsers({ store, log: logger, clock });
  const bearerJwt = providers.length === 0 ? [] : [createBearerJwt({ accounts, providers, settle, clock })];
  const singleSignOn = {
    ...{ providers, settle, clock, publicUrl: config.public_url },
    pending: createSealing(key, 'sign-in at a provider', random),
    tokens: createSealing(key, 'tokens of a provider', random),
  };
  const checked = createCheckedSession(session, {
    ...{ settle, providers, clock, sessions: store.providerSessions, sealing: singleSignOn.tokens },
    end: endSessionIn(store, clock),
  });
  const ways: readonly Authenticator[] = [token, ...bearerJwt, limitBasic(basic, config.basic_auth), checked];
  const codes = createSealing(key, 'sign-in of a program', random);
  const pages = { buttons: buttonsOf(providers), localSignIn: config.local_sign_in };
  return { ways, throttle, basic, singleSignOn, codes, ...pages };
}

/** Ends a session because its provider does not want it any more. */
function endSessionIn(store: Store, clock: () => number): CheckedSessionOptions['end'] {
  return async (sessionId, because) => {
    const session = await store.sessions.get(sessionId);
    if (session !== undefined) {
      const { username } = session;
      const record = recordUnattended({ operation: 'check of a session', because, username, clock });
      await changingBy(store, record).sessions.end(session, 'deleted');
    }
  };
}

/** The providers by which users sign in in a browser. */
function buttonsOf(providers: readonly Provider[]): readonly SignInProvider[] {
  return providers.flatMap(({ name, config }) =>
    config.client_id === undefined ? [] : [{ name, displayName: config.display_name ?? name }],
  );
}

function appOptions(config: Config, logger: FastifyBaseLogger, listening: Listening): AppOptions {
  return {
    logger,
    trustsProxy: config.trusted_proxies.length > 0 ? listening.proxies.trusts : undefined,
    servers: listening.servers,
    hstsSeconds: config.hsts_seconds,
  };
}

/** What the settings say about passwords, tokens and sessions. */
function credentialsIn(
  config: Config,
  { clock, random }: Given,
): {
  readonly signInLimits: ThrottleLimits;
  readonly tokens: TokenParts;
  readonly sessions: SessionParts;
  readonly invitations: InvitationHandlerParts['invitations'];
} {
  const { token_max_days: maxDays, token_default_days: defaultDays } = config;
  return {
    signInLimits: limitsIn(config),
    tokens: { maxDays, defaultDays, clock, random },
    sessions: { ...sessionTimes(config), clock, random },
    invitations: {
      localSignIn: config.local_sign_in,
      lifeMs: config.invitation_hours * 3_600_000,
      publicUrl: config.public_url,
      ...{ clock, random },
    },
  };
}

function sessionTimes({ session_max_hours: hours, session_idle_minutes: minutes }: Config) {
  return { lifeMs: hours * 3_600_000, idleMs: minutes * 60_000 };
}

function accessRequestLimits({ access_requests_per_user: most, access_request_keep_days: days }: Config) {
  return { most, keepMs: days * 86_400_000 };
}

function limitsIn(config: Config): ThrottleLimits {
  return {
    failures: config.sign_in_failures,
    windowSeconds: config.sign_in_window_seconds,
    lockoutSeconds: config.sign_in_lockout_seconds,
  };
}

/** Who is told of requests that have ended. */
interface Watching {
  readonly metrics: Metrics | undefined;
  readonly recorder: Recorder;
  readonly uses: Opened['uses'];
  readonly clock: () => number;
}

function noteUse({ way }: Ended, uses: Opened['uses']): void {
  if (way?.principal.kind !== 'user') {
    return;
  }
  const { kind, id = '' } = way.principal.credential;
  if (kind === 'token' || kind === 'session') {
    uses[kind].note(id);
  }
}

/** What is done with each request when its answer has ended: it is counted, and has its entry in the audit log. */
function endedIn(
  { audit_reads: reads, audit_stdout: shown }: Config,
  { metrics, recorder, uses, clock }: Watching,
): (request: Ended) => void {
  return (request) => {
    metrics?.ended(request);
    noteUse(request, uses);
    const taken = [signInOf(request, clock), entryOf(request, { reads, clock })].filter(
      (entry) => entry !== undefined,
    );
    taken.forEach(recorder.record);
    if (shown) {
      taken.forEach(showEntry);
    }
  };
}

/** Shows an entry of the audit log to whoever reads standard output. */
function showEntry(entry: AuditEntry): void {
  process.stdout.write(`${JSON.stringify(entryJson(entry))}\n`);
}

/** Readiness that says in the log when a part comes or goes. */
function watchedReadiness(
  store: Store,
  upstream: Upstream,
  clock: () => number,
  log: FastifyBaseLogger,
): Readiness {
  return createReadiness({
    store,
    upstream,
    clock,
    changed: (part, { ready, because }) =>
      ready
        ? log.info({ part }, 'the part is ready again')
        : log.warn({ part, because }, 'the part is not ready'),
  });
}

/** @returns where Prometheus is answered, if it is to be. */
async function serveMetrics(
  { metrics_host: host, metrics_port: port }: Config,
  metrics: Metrics | undefined,
  closers: (() => unknown)[],
): Promise<string | undefined> {
  if (metrics === undefined) {
    return undefined;
  }
  const server = await listenForScrapes(metrics.registry, { host, port });
  closers.unshift(() => server.close());
  return server.url;
}

/**
 * The administrator that an empty store is to get, and what to show if the password had to be made up. Hashing takes
 * long, so it comes before the port: who finds the gateway healthy can sign in.
 */
async function makeFirstAdmin(
  config: Config,
  store: Store,
  passwords: Passwords,
  random: (bytes: number) => Buffer,
) {
  if ((await store.users.list()).length > 0) {
    return undefined;
  }
  const username = config.admin_username;
  const password = config.admin_password?.reveal() ?? generatePassword(random);
  const user = { username, passwordHash: await passwords.hash(password), isAdmin: true };
  return { user, shown: config.admin_password === undefined ? { username, password } : undefined };
}

/** Replaces a hash only while it is the one that the password was proved by. */
function rehashIn({ users }: Store, passwords: Passwords): BasicOptions['rehash'] {
  return async (username, from, password) => {
    const user = await users.get(username);
    if (user === undefined) {
      return from;
    }
    const to = await passwords.hash(password);
    return (await users.replacePasswordHash(user.id, from, to)) ? to : from;
  };
}

/** What is done now and again for as long as the gateway runs. */
function keepUp({ settle, look, store }: Parts, config: Config, log: FastifyBaseLogger): readonly Repeated[] {
  const { idleMs } = sessionTimes(config);
  return [
    settleRepeatedly(settle, log),
    greetOnceThere(look, log),
    repeatedly(() => {
      store.accessRequests
        .prune(accessRequestLimits(config).keepMs)
        .catch((error: unknown) =>
          log.warn({ because: reasonOf(error) }, 'old requests for access are not removed yet'),
        );
    }, PRUNE_MS),
    repeatedly(() => {
      store.sessions
        .prune(idleMs)
        .catch((error: unknown) =>
          log.warn({ because: reasonOf(error) }, 'ended sessions are not removed yet'),
        );
    }, PRUNE_MS),
  ];
}

/** How often sessions that have ended are removed; each sign-in does so too. */
const PRUNE_MS = 3_600_000;

/** A crash of another gateway is noticed by now and then looking; it costs one small query of the store. */
const SETTLE_MS = 5_000;

/** Settles open intents now and for as long as there are any, or new ones may come; one attempt at a time. */
function settleRepeatedly(settle: () => Promise<number>, log: FastifyBaseLogger): Repeated {
  let isSettling = false;
  return repeatedly(() => {
    if (isSettling) {
      return;
    }
    isSettling = true;
    settle()
      .catch((error: unknown) => log.warn({ because: reasonOf(error) }, 'open intents cannot be settled yet'))
      .finally(() => {
        isSettling = false;
      });
  }, SETTLE_MS);
}

/** Lets what is under way end, but no longer than it may take. */
async function drain(app: FastifyInstance, { servers }: Listening, withinMs: number): Promise<void> {
  const closing = app.close();
  servers.drain();
  const timer = setTimeout(() => servers.closeAll(), withinMs);
  try {
    await closing;
    // A request that was broken off ends with its connection, and its entry in the audit log is made at the end of that turn.
    await servers.gone();
    await setImmediate();
  } finally {
    clearTimeout(timer);
  }
}
