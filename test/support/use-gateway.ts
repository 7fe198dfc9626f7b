import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, onTestFinished } from 'vitest';
import { startAsVersion } from './as-version.ts';
import { type Everybody, startEverybody } from './everybody.ts';
import { type Answering, type FakeUpstream, startFakeUpstream } from './fake-upstream.ts';
import { type Person, type Settings, startGateway, type TestGateway } from './gateway.ts';
import {
  type MlflowAddress,
  type MlflowOptions,
  NEWEST,
  type RunningMlflow,
  sharedMlflow,
  startMlflow,
} from './mlflow.ts';
import { type Neighbours, newNeighbours } from './neighbours.ts';

/** An address at which nobody listens, for tests that ask no upstream. */
export const NO_UPSTREAM = 'http://127.0.0.1:9';

interface Wanted<Name extends string> {
  /** What is set besides what every gateway of the tests has. */
  readonly settings?: Settings | (() => Settings | Promise<Settings>);
  /** Names of users to make; each is answered under its name. */
  readonly people?: readonly Name[];
}

/** In front of a fake upstream. */
interface InFrontOfFake<Name extends string> extends Wanted<Name> {
  /** What it answers, at the beginning of each test again; `true` for 200 and `{}`. */
  readonly fake: true | Answering;
  /** The version that it says it is; no release of MLflow if left out. */
  readonly version?: string;
  /** What else it says of itself, or the status of a failure. */
  readonly info?: object | number;
}

/** In front of the stock MLflow that all test files of a run share. */
interface InFrontOfMlflow<Name extends string> extends Wanted<Name> {
  /** The newest if left out. */
  readonly version?: string;
  /** The version that it says it is, where that is to be another. */
  readonly says?: string;
  readonly fake?: undefined;
  readonly upstream?: undefined;
}

/** In front of what the test brings along. */
interface InFrontOf<Name extends string> extends Wanted<Name> {
  /** Its address, as `upstream_uri`; a function is asked when the hooks before it have run. */
  readonly upstream: string | (() => string | Promise<string>);
  readonly fake?: undefined;
}

type People<Name extends string> = Readonly<Record<Name, Person>>;

/** A gateway for the tests of a file, or of a `describe`. */
interface Used {
  readonly gateway: TestGateway;
  readonly admin: Person;
  /** Starts one more gateway in front of the same upstream, for one test. */
  another(settings?: Settings): Promise<TestGateway>;
}

type Wants<Name extends string> = InFrontOfFake<Name> | InFrontOfMlflow<Name> | InFrontOf<Name>;
type Opened<Name extends string> = Used & {
  readonly upstream: FakeUpstream;
  readonly mlflow: MlflowAddress;
} & People<Name>;

/**
 * Starts a gateway before the first test, in front of an upstream, and closes everything after the last:
 *
 *     const { gateway, upstream, alice } = useGateway({ fake: true, people: ['alice'] });
 *
 * What it answers is filled in when the hooks run: it can be taken apart at once, and looked into in tests and hooks.
 */
export function useGateway<Name extends string = never>(
  wanted: InFrontOfFake<Name>,
): Used & { readonly upstream: FakeUpstream } & People<Name>;
export function useGateway<Name extends string = never>(
  wanted?: InFrontOfMlflow<Name>,
): Used & { readonly mlflow: MlflowAddress } & People<Name>;
export function useGateway<Name extends string = never>(wanted: InFrontOf<Name>): Used & People<Name>;
export function useGateway<Name extends string>(wanted: Wants<Name> = {}): Opened<Name> {
  const names = ['gateway', 'admin', 'upstream', 'mlflow', ...(wanted.people ?? [])] as const;
  const used = Object.fromEntries(names.map((name) => [name, later()])) as unknown as Opened<Name>;
  const closing = closedAtTheEnd();
  let opened: Opened<Name>;

  beforeAll(async () => {
    opened = await open(wanted, closing);
    for (const name of names) {
      fill(used[name] as object, opened[name] ?? {});
    }
  });
  if (wanted.fake !== undefined) {
    const first = answeringOf(wanted.fake);
    beforeEach(() => used.upstream.answer(first));
  }
  return { ...used, another: (settings) => opened.another(settings) };
}

/** Starts a gateway for one test, as {@link useGateway} does for many, and closes everything when the test ends. */
export function openGateway<Name extends string = never>(
  wanted: InFrontOfFake<Name>,
): Promise<Used & { readonly upstream: FakeUpstream } & People<Name>>;
export function openGateway<Name extends string = never>(
  wanted: InFrontOfMlflow<Name>,
): Promise<Used & { readonly mlflow: MlflowAddress } & People<Name>>;
export function openGateway<Name extends string = never>(
  wanted: InFrontOf<Name>,
): Promise<Used & People<Name>>;
export function openGateway<Name extends string>(wanted: Wants<Name>): Promise<Opened<Name>> {
  return open(wanted, (opened) => {
    onTestFinished(() => opened.close());
    return opened;
  });
}

async function open<Name extends string>(wanted: Wants<Name>, closing: Closing): Promise<Opened<Name>> {
  const { settings = {}, people: names = [] } = wanted;
  const [uri, behind] = await startBehind(wanted, closing);
  const start = (more: Settings) => startGateway(uri, more);
  const gateway = closing(await start(typeof settings === 'function' ? await settings() : settings));
  const people: Record<string, Person> = {};
  for (const name of names) {
    people[name] = await gateway.person(name);
  }
  async function another(more: Settings = {}): Promise<TestGateway> {
    const started = await start(more);
    onTestFinished(() => started.close());
    return started;
  }
  return { gateway, admin: gateway.admin, another, ...behind, ...people } as Opened<Name>;
}

/** Starts what the gateway is to stand in front of, and answers its address. */
async function startBehind(
  wanted: Wants<string>,
  closing: Closing,
): Promise<readonly [uri: string, { upstream?: FakeUpstream; mlflow?: MlflowAddress }]> {
  if (wanted.fake !== undefined) {
    const upstream = closing(await startFakeUpstream(answeringOf(wanted.fake), wanted.version, wanted.info));
    return [upstream.uri, { upstream }];
  }
  if ('upstream' in wanted && wanted.upstream !== undefined) {
    return [typeof wanted.upstream === 'string' ? wanted.upstream : await wanted.upstream(), {}];
  }
  const mlflow = await sharedMlflow(wanted.version ?? NEWEST);
  const { says } = wanted;
  return [
    says === undefined ? mlflow.socketUri : closing(await startAsVersion(mlflow, says)).uri,
    { mlflow },
  ];
}

const answeringOf = (fake: true | Answering): Answering | undefined => (fake === true ? undefined : fake);

/**
 * An upstream that does what no MLflow can be made to do; gone after the last test.
 *
 * @param first - what it answers at the beginning of each test; 200 and `{}` if left out.
 * @param version - the version that it says it is; no release of MLflow if left out.
 */
export function useFakeUpstream(first?: Answering, version?: string): FakeUpstream {
  const upstream = later<FakeUpstream>();
  const closing = closedAtTheEnd();
  beforeAll(async () => {
    fill(upstream, closing(await startFakeUpstream(first, version)));
  });
  beforeEach(() => upstream.answer(first));
  return upstream;
}

/** A stock MLflow of the test's own, for tests that fill it or start it in another way; gone after the last test. */
export function useMlflow(options: Omit<MlflowOptions, 'dir'>): RunningMlflow {
  const mlflow = later<RunningMlflow>();
  const closing = closedAtTheEnd();
  beforeAll(async () => {
    const dir = mkdtempSync(join(tmpdir(), 'own-mlflow-'));
    closing({ close: async () => rmSync(dir, { recursive: true, force: true }) });
    fill(mlflow, await startMlflow({ ...options, dir }));
    closing({ close: () => mlflow.stop() });
  });
  return mlflow;
}

/** A gateway with a user in every role, see {@link startEverybody}; closed after the last test. */
export function useEverybody(version?: string): Everybody {
  const everybody = later<Everybody>();
  const closing = closedAtTheEnd();
  beforeAll(async () => {
    fill(everybody, closing(await startEverybody(version)));
  });
  return everybody;
}

/**
 * A gateway in front of a real MLflow, with two users who hold nothing of one another's.
 *
 * @returns their experiments as `homes`, by their owners.
 */
export function useNeighbours(version: string, settings: Settings = {}) {
  const used = useGateway({ version, settings });
  const [alice, bob] = [later<Person>(), later<Person>()];
  const homes = later<Readonly<Record<'alice' | 'bob', string>>>();
  beforeAll(async () => {
    const made: Neighbours = await newNeighbours(used.gateway);
    fill(alice, made.alice);
    fill(bob, made.bob);
    fill(homes, { alice: made.alices, bob: made.bobs });
  });
  return { ...used, alice, bob, homes };
}

/** What is there once {@link fill} has been called: what is asked of it before is undefined. */
const later = <T extends object>(): T => ({}) as T;

function fill<T extends object>(into: T, made: T): void {
  Object.defineProperties(into, Object.getOwnPropertyDescriptors(made));
}

/** Has something closed in the end, and answers it. */
type Closing = <T extends { close(): Promise<void> }>(opened: T) => T;

/** Closes what it is given after the last test, last opened first; all of it, whatever fails. */
export function closedAtTheEnd(): Closing {
  const open: { close(): Promise<void> }[] = [];
  afterAll(async () => {
    const problems: unknown[] = [];
    for (const each of open.reverse()) {
      await each.close().catch((problem: unknown) => problems.push(problem));
    }
    if (problems.length > 0) {
      throw new AggregateError(problems, 'the test left something that could not be closed');
    }
  });
  return (opened) => {
    open.push(opened);
    return opened;
  };
}
