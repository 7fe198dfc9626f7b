/**
 * The language that the table of routes is written in. Everything here is data: a row says what an
 * operation touches and what follows from it; src/gateway does it.
 */
import type { Action } from '../../policy/permissions.ts';
import type { InnerKind, PartKind, RootKind } from '../../policy/resources.ts';
import type { KeyHolder } from '../things/acted-on-keys.ts';
import type { Form } from '../things/key-names.ts';
import type { SearchOrder } from './search-order.ts';

/** Things that live inside a root, or other names of one; src/mlflow/things/look-ups.ts says how to find it. */
export const CHILD_KINDS = [
  'run',
  'trace',
  'logged_model',
  'dataset',
  'issue',
  'label_schema',
  'review_queue',
  'job',
  'prompt_optimization_job',
  'gateway_endpoint_name',
  'gateway_guardrail',
  'scorer_id',
] as const;
export type ChildKind = (typeof CHILD_KINDS)[number];

/** Roots whose grants come, move and go with what MLflow creates, renames and deletes. */
export const TRACKED_KINDS = [
  'experiment',
  'registered_model',
  'gateway_secret',
  'gateway_endpoint',
  'gateway_model_definition',
  'mcp_server',
  'skill',
  'scorer',
] as const satisfies readonly RootKind[];
export type TrackedKind = (typeof TRACKED_KINDS)[number];

/** The other roots, with why no row creates or deletes them: a new root is asked for here or there. */
export const UNTRACKED_KINDS = {
  prompt: 'is created as a registered model',
  workspace: 'is made by admins alone, and granted as a whole',
} as const satisfies Readonly<Record<Exclude<RootKind, TrackedKind>, string>>;

/**
 * What a locator can find: a root, a child of one, a user of this gateway, or text that has to be
 * taken apart first (an artifact path, a model version's source, a prompt's address, a Gemini call).
 */
export type ReferenceKind =
  | RootKind
  | ChildKind
  | 'user'
  | 'artifact'
  | 'source'
  | 'prompt_uri'
  | 'gemini_call';

/**
 * Where in a request a value stands: `body.run_id`, `query.path`, `path.model_id`,
 * `header.x-mlflow-experiment-id`; `[]` walks a list: `body.metrics[].model_id`; `{}` reads text as JSON:
 * `body.scorer.{}.name`; `a/b` joins two into the id of what is named by both: `body.experiment_id/name`; `@a/b` is the
 * name of a skill, whose organization may be left out: `body.@organization/name`.
 */
export type From = `${'body' | 'query' | 'path' | 'header'}.${string}`;

export interface Locator {
  readonly kind: ReferenceKind;
  /** Names of the same thing; two that differ are refused. */
  readonly from: readonly From[];
  /** Absent means that the request touches no such thing; otherwise it is a 400. */
  readonly optional?: boolean;
  /** So does a list that is empty, but not one that is absent. */
  readonly orNone?: boolean;
  /** Stands in for the row's own action. */
  readonly action?: Action;
  /** Accepts ids that MLflow could never give out: MLflow's permissions API takes any text. */
  readonly loose?: boolean;
  /** Things of this kind inside it are what the request is about: grants on all of the kind decide first. */
  readonly part?: InnerKind;
  /** What those grants must allow, where that is more than what the root must. */
  readonly tierAction?: Action;
  /** Not touched where this is sent. */
  readonly unless?: From;
  /** A child that need not exist yet; one that does must share the root of the row's first locator. */
  readonly fresh?: 'or-same-root';
  /** Where the request says what an address in storage comes from: it must lie in the files of one of these. */
  readonly cameFrom?: readonly CameFrom[];
}

/** A place that names a run or logged model, whose files an address may lie in. */
export interface CameFrom {
  readonly kind: 'run' | 'logged_model';
  readonly from: From;
}

/** What a row needs besides or instead of an action on what it touches. */
export type Need =
  | Action
  /** No credentials asked. */
  | 'public'
  /** A caller who has signed in. */
  | 'signed-in'
  | 'admin'
  /** Refused to everyone: dangerous, or not implemented upstream. */
  | 'nobody';

/** Paging of a search: the largest page the upstream gives, and whether it can be told which ids to look at. */
export interface Paging {
  readonly largestPage: number;
  /** Page size when the request names none; absent if the upstream then refuses. */
  readonly defaultPage?: number;
  /** Column of the upstream's filter language that takes `IN (…)`, where the version has it. */
  readonly pushDown?: string;
  /** Parameter of the query that takes the ids to look at, one after the other. */
  readonly selector?: string;
  /** What the upstream binds its page tokens to, besides the workspace, the filter and the order; not at all if left out. */
  readonly tokenScope?: string;
  /** Column that tells one row from another, or two joined, where the id does not. */
  readonly row?: string;
  /** What the upstream writes in place of a token on the last page; left out if it writes none. */
  readonly last?: '' | null;
  /** How few rows among very many are found where the upstream takes no `IN (…)`. */
  readonly oneByOne?: OneByOne;
}

/** Asking for each row by the search itself, with `name = '…'` in its filter. */
export interface OneByOne {
  readonly order: SearchOrder;
  /** Asked first where a row's id is not its name: where one row by id is, with the id behind it, and under what key. */
  readonly lookUp?: { readonly target: string; readonly at: string };
  /** Rows of a large page that cost the upstream about as much as asking for one; measured with 2.15.1. */
  readonly worth: number;
}

/** Kinds whose lists of ids in a request are cut down to what the caller may read. */
export type NarrowedKind = 'experiment' | 'trace';

/** What follows from an operation, besides forwarding it. */
export type Rule = CommonRule | ServeRule;

/** What can follow from an operation of any table. */
export type CommonRule =
  /** Drops reply rows whose root the caller may not read; with `paging`, refills the page. */
  | {
      readonly rule: 'keep';
      readonly list: string;
      readonly kind: ReferenceKind;
      readonly id: string;
      readonly paging?: Paging;
      /** MLflow's reply names the list even if it is empty; replies that are protobuf leave it out. */
      readonly listed?: true;
      /** What the caller must be allowed to do to what is left; reading if not said. */
      readonly action?: Action;
      /** The id of a row is a path, below the one that stands here. */
      readonly below?: From;
      /** Rows are things of this kind inside the root: none is left to a caller who is denied all of them. */
      readonly part?: PartKind;
    }
  /**
   * Replaces a list of ids in the request by its readable part. `unnamed` is what MLflow takes a list for that is empty
   * or not there: where it means all, those the caller may read are named, or `keep` looks at each row.
   */
  | {
      readonly rule: 'narrow';
      readonly from: From;
      readonly kind: NarrowedKind;
      readonly unnamed: 'nothing' | 'all';
    }
  /** The touched root stands only in the reply: judged there, before anything is sent. The request has its name. */
  | { readonly rule: 'judge-reply'; readonly kind: ReferenceKind; readonly id: string; readonly name: From }
  /** The creator gets MANAGE on what the reply names; without `id`, on what the request does. */
  | {
      readonly rule: 'adopt';
      readonly kind: TrackedKind;
      readonly name: From;
      readonly id?: string;
      /** Where the reply holds the number of a version: only the first of them is a create. */
      readonly version?: string;
    }
  | { readonly rule: 'rename'; readonly kind: TrackedKind; readonly name: From; readonly newName: From }
  /** `unless` this is sent, when only a part of it is deleted. */
  | { readonly rule: 'forget'; readonly kind: TrackedKind; readonly name: From; readonly unless?: From }
  /** The reply tells which root a child belongs to: remembered, so that no look-up is needed later. */
  | {
      readonly rule: 'learn';
      readonly kind: ChildKind;
      readonly id: string;
      readonly root: string;
    }
  /** A workspace was made, whose name stands there in the reply: MLflow's default roles are made in it, and no others are. */
  | { readonly rule: 'opens-workspace'; readonly at: string }
  /** A workspace was deleted: its roles go with it, and what they grant. */
  | { readonly rule: 'closes-workspace'; readonly from: From }
  /** The gateway remembers who started this, as the upstream does not. */
  | {
      readonly rule: 'own';
      readonly kind: ChildKind;
      readonly list?: string;
      readonly id: string;
      readonly experiment?: From;
    }
  /** Only an admin may send these. */
  | { readonly rule: 'admin-only'; readonly from: readonly From[]; readonly why: string }
  /** Only an admin may send fields of the body with names of this form. */
  | { readonly rule: 'admin-names'; readonly form: RegExp; readonly why: string }
  /** A caller who is no admin may send nothing else than text of this form. */
  | { readonly rule: 'only'; readonly from: From; readonly form: Form; readonly why: string }
  /** Must not be sent: a second name for the same thing that only one reader looks at. */
  | { readonly rule: 'absent'; readonly from: readonly From[] }
  /** Must be equal where both are sent; the first must be sent. */
  | { readonly rule: 'equal'; readonly from: readonly [From, From]; readonly required?: boolean }
  /** Keys of tags or metadata, a list or a map or one key: MLflow acts on some. */
  | { readonly rule: 'keys'; readonly holder: KeyHolder; readonly from: readonly From[] }
  /** With one of these keys, the operation needs more. */
  | {
      readonly rule: 'keys-need';
      readonly from: From;
      readonly keys: readonly string[];
      readonly action: Action;
    }
  /** Adds to each row of a list, or to the reply itself, what the caller may do to it, for MLflow's UI. */
  | { readonly rule: 'allowed-actions'; readonly list?: string; readonly kind: RootKind; readonly id: string }
  /** MLflow's page gets a script of ours, which leads to the pages of this gateway and back. */
  | { readonly rule: 'link-pages' }
  /** Fields blanked for a caller who is not an admin. */
  | { readonly rule: 'redact'; readonly fields: readonly string[] }
  /**
   * Who the caller is, written over what the client claims, but for an admin's claim; `unless` a field has that value, or
   * only `ifDeclared`.
   */
  | {
      readonly rule: 'stamp';
      readonly to: From;
      readonly unless?: readonly [From, string];
      /** Where the version of MLflow in front has the field. */
      readonly ifDeclared?: true;
    }
  /** Answered by the gateway itself with this value, without asking the upstream. */
  | { readonly rule: 'answer'; readonly body: unknown }
  /** Not data: a judge in src/gateway/judges, with what the row asks of it. */
  | SpecialRule
  /**
   * Refused to callers with DENY on every thing of a kind, which the operation makes, lists or, by a filter, asks
   * about. With `when` only where one of these is sent, and is text of this form.
   */
  | {
      readonly rule: 'unless-denied';
      readonly kind: PartKind;
      readonly when?: { readonly from: readonly From[]; readonly form?: RegExp };
    }
  /** Taken out of the reply for a caller who holds DENY on all things of the kind; `[]` walks a list: `traces[].info`. */
  | { readonly rule: 'withhold'; readonly kind: PartKind; readonly at: string }
  /** Fields that no version of MLflow declares are let through: they mean nothing to it, or another rule judges them. */
  | { readonly rule: 'takes-any-field' }
  /**
   * Each thing at a place of the reply is taken out that the caller may not read, or only some of its fields:
   * `[]` walks a list, `[key]` goes to the value of that tag, `{}` reads text as JSON.
   */
  | {
      readonly rule: 'conceal';
      readonly kind: RootKind;
      readonly at: string;
      /** The field that names the thing. */
      readonly id: string;
      readonly fields?: readonly string[];
    }
  /**
   * Which experiment has which id is looked at right before this is judged, as it is wherever something may be touched
   * that outlives its experiment: what is granted or made now is on the one that is there now.
   */
  | { readonly rule: 'afresh' }
  /** MLflow may make an experiment by itself: the caller gets MANAGE on it. */
  | { readonly rule: 'brings'; readonly what: BroughtName }
  /** Open also to users who have to change their password before anything else. */
  | { readonly rule: 'with-first-password' }
  /** Open also to credentials that are confined to some roots, although it touches none of them. */
  | { readonly rule: 'in-any-scope' }
  /** The query is read even though the method has a body. */
  | { readonly rule: 'takes-query' }
  /** The body is what a form sends, not JSON. */
  | { readonly rule: 'takes-form' }
  /** The body is JSON, or that JSON in one part of a form with a file in another. */
  | { readonly rule: 'takes-upload'; readonly json: string; readonly file: string }
  /** The body is not JSON and streams through unread. */
  | { readonly rule: 'streams' }
  /** The body is read, but a judge reads what is in it, packed and in whatever format it is. */
  | { readonly rule: 'takes-bytes' };

/** Experiments that MLflow makes by itself: the one that calls of an endpoint are logged to, and that of its demo. */
export type BroughtName = 'usage experiment' | 'demo';

/** Every judge of its own with what a row asks of it; `undefined` where there is nothing to ask. */
export interface SpecialQuestions {
  readonly graphql: undefined;
  readonly otlp: undefined;
  readonly 'review-queue':
    | 'create'
    | 'make-own'
    | 'list'
    | 'open'
    | 'open-by-name'
    | 'change'
    | 'prune'
    | 'review';
  readonly job: 'read' | 'update';
  readonly 'mcp-version': undefined;
  /** Where the request names the skills that it adds a version to. */
  readonly 'skill-versions': From;
  /** Where the request holds the metadata of assessments. */
  readonly 'assessment-run': readonly From[];
  readonly 'server-keys': undefined;
  readonly 'online-configs': undefined;
  /** Where the request holds a tag, or a list of them. */
  readonly 'detection-schedule': 'tag' | 'tags';
  readonly 'model-versions-tag': undefined;
  /** What scorers are run with, by what has them run. */
  readonly 'scorer-keys': 'register' | 'configure' | 'delete version' | 'invoke' | 'evaluate';
  /** Whose key models are called with and where the calls go, by what is made or changed. */
  readonly 'provider-calls': 'new secret' | 'secret' | 'new definition' | 'definition' | 'detection';
  /** Where the request holds a scorer, or the settings of an optimizer, as JSON in a string. */
  readonly 'model-calls': readonly From[];
  readonly 'usage-experiment': undefined;
  readonly grantable: undefined;
  /** What a user may do to a thing, or who may do anything to it. */
  readonly explainable: 'user' | 'everybody';
  /** Where the request names the role, or the workspace that a role is to be in. */
  readonly 'role-admin': 'workspace' | 'role_id' | 'role_permission_id';
  /** Where the request names the role; `workspaces` for all roles of some. */
  readonly 'role-viewer': 'role_id' | 'workspaces';
  readonly 'holder-viewer': undefined;
}

export type SpecialName = keyof SpecialQuestions;

/** One judge with what a row asks of it. */
export type SpecialRule = {
  [Name in SpecialName]: {
    readonly rule: 'special';
    readonly name: Name;
    readonly asks: SpecialQuestions[Name];
  };
}[SpecialName];

/** Answered by a handler of the gateway's own. */
export interface ServeRule<Handler extends string = string> {
  readonly rule: 'serve';
  readonly handler: Handler;
}

/**
 * One operation: methods (`GET|POST`), path, need, what it touches, what follows.
 *
 * @typeParam Handler - the names of the handlers that rows of a table may serve by; MLflow's own rows by none.
 */
export type Row<Handler extends string = never> = readonly [
  methods: string,
  path: string,
  need: Need,
  touches?: Locator | readonly Locator[],
  ...follows: (CommonRule | ServeRule<Handler>)[],
];

/** A row of any table. */
export type AnyRow = Row<string>;

const locator =
  (kind: ReferenceKind) =>
  (...from: From[]): Locator => ({ kind, from });

export const experiment = locator('experiment');
export const run = locator('run');
export const trace = locator('trace');
export const loggedModel = locator('logged_model');
export const model = locator('registered_model');
export const dataset = locator('dataset');
export const issue = locator('issue');
export const labelSchema = locator('label_schema');
export const reviewQueue = locator('review_queue');
export const promptJob = locator('prompt_optimization_job');
export const artifact = locator('artifact');
/** An address, and where the request names what it may come from. */
export const source = (from: From, ...cameFrom: readonly CameFrom[]): Locator => ({
  kind: 'source',
  from: [from],
  cameFrom,
});
export const promptUri = locator('prompt_uri');
export const user = locator('user');
export const secret = locator('gateway_secret');
export const scorer = locator('scorer');
export const endpoint = locator('gateway_endpoint');
export const endpointName = locator('gateway_endpoint_name');
export const guardrail = locator('gateway_guardrail');
export const geminiCall = locator('gemini_call');
export const modelDefinition = locator('gateway_model_definition');
export const mcpServer = locator('mcp_server');
export const skill = locator('skill');
export const workspace = locator('workspace');

/** Locates what a request is about all things of a kind inside of. */
export const all = (part: InnerKind, what: Locator, tierAction?: Action): Locator => ({
  ...what,
  part,
  ...(tierAction && { tierAction }),
});
/** Locates what a request is about the versions of; those of a prompt if it is one. */
export const versionsOf = (what: Locator): Locator => all('registered_model_version', what);
/** Locates what a request touches unless something else is sent. */
export const unless = (from: From, what: Locator): Locator => ({ ...what, unless: from });
/** Locates what a request may leave out. */
export const maybe = (what: Locator): Locator => ({ ...what, optional: true });
/** Locates the things of a list that may be empty: MLflow then looks at nothing. */
export const orNone = (what: Locator): Locator => ({ ...what, orNone: true });
/** Locates what needs another action than the row's. */
export const to = (action: Action, what: Locator): Locator => ({ ...what, action });
/** Locates by ids that MLflow could never give out, too. */
export const anyId = (what: Locator): Locator => ({ ...what, loose: true });

/** Keeps what the caller may read, in a list that MLflow's reply leaves out if it is empty, as protobuf's do. */
export const keep = (list: string, kind: ReferenceKind, id: string, paging?: Paging): CommonRule => ({
  rule: 'keep',
  list,
  kind,
  id,
  ...(paging && { paging }),
});
/** Keeps what the caller may read, in a list that MLflow's reply names if it is empty too, as FastAPI's do. */
export const keepListed = (list: string, kind: ReferenceKind, id: string, paging?: Paging): CommonRule => ({
  rule: 'keep',
  list,
  kind,
  id,
  listed: true,
  ...(paging && { paging }),
});
/** Gives a workspace that was made MLflow's default roles. */
export const opensWorkspace = (at: string): CommonRule => ({ rule: 'opens-workspace', at });
/** Has the roles of a workspace go with it. */
export const closesWorkspace = (from: From): CommonRule => ({ rule: 'closes-workspace', from });

/** Keeps versions of what the caller may read. */
export const keepVersions = (list: string, id: string, paging: Paging): CommonRule => ({
  rule: 'keep',
  list,
  kind: 'registered_model',
  id,
  paging,
  part: 'registered_model_version',
});
/** Keeps what the caller may use, in a list that is named if it is empty too. */
export const keepUsable = (list: string, kind: ChildKind, id: string): CommonRule => ({
  rule: 'keep',
  list,
  kind,
  id,
  listed: true,
  action: 'use',
});
/** Keeps what lies below a path and the caller may read. */
export const keepBelow = (below: From, list: string, kind: ReferenceKind, id: string): CommonRule => ({
  rule: 'keep',
  list,
  kind,
  id,
  below,
});
/** Cuts a list of experiments in the request down to those that the caller may read. */
export const narrow = (from: From, unnamed: 'nothing' | 'all' = 'nothing'): CommonRule => ({
  rule: 'narrow',
  from,
  kind: 'experiment',
  unnamed,
});
/** Cuts a list of traces in the request down to those that the caller may read. */
export const narrowTraces = (from: From): CommonRule => ({
  rule: 'narrow',
  from,
  kind: 'trace',
  unnamed: 'nothing',
});
export const judgeReply = (kind: ReferenceKind, name: From, id: string): CommonRule => ({
  rule: 'judge-reply',
  kind,
  name,
  id,
});
export const adopt = (kind: TrackedKind, name: From, id: string): CommonRule => ({
  rule: 'adopt',
  kind,
  name,
  id,
});
export const adoptFirstVersion = (kind: TrackedKind, name: From, version: string): CommonRule => ({
  rule: 'adopt',
  kind,
  name,
  version,
});
export const rename = (kind: TrackedKind, name: From, newName: From): CommonRule => ({
  rule: 'rename',
  kind,
  name,
  newName,
});
export const forget = (kind: TrackedKind, name: From, unless?: From): CommonRule => ({
  rule: 'forget',
  kind,
  name,
  ...(unless && { unless }),
});
export const learn = (kind: ChildKind, id: string, root: string): CommonRule => ({
  rule: 'learn',
  kind,
  id,
  root,
});
export const own = (kind: ChildKind, id: string, experiment?: From, list?: string): CommonRule => ({
  rule: 'own',
  kind,
  id,
  ...(experiment && { experiment }),
  ...(list && { list }),
});
export const adminOnly = (why: string, ...from: From[]): CommonRule => ({ rule: 'admin-only', from, why });
export const adminNames = (why: string, form: RegExp): CommonRule => ({ rule: 'admin-names', form, why });
export const only = (form: Form, from: From, why: string): CommonRule => ({
  rule: 'only',
  from,
  form,
  why,
});
export const absent = (...from: From[]): CommonRule => ({ rule: 'absent', from });
export const equal = (first: From, second: From, required = false): CommonRule => ({
  rule: 'equal',
  from: [first, second],
  required,
});
/** Keys of tags and metadata of a thing: src/mlflow/things/acted-on-keys.ts says what each asks for. */
export const keys = (holder: KeyHolder, ...from: From[]): CommonRule => ({ rule: 'keys', holder, from });
export const keysNeed = (action: Action, from: From, keys: readonly string[]): CommonRule => ({
  rule: 'keys-need',
  from,
  keys,
  action,
});
export const redact = (...fields: string[]): CommonRule => ({ rule: 'redact', fields });
export const allowedActions = (kind: RootKind, id: string, list?: string): CommonRule => ({
  rule: 'allowed-actions',
  kind,
  id,
  ...(list && { list }),
});
export const stamp = (where: From, unless?: readonly [From, string]): CommonRule => ({
  rule: 'stamp',
  to: where,
  ...(unless && { unless }),
});
/** Writes the caller's name into a field where MLflow has it: not every version does. */
export const stampIfDeclared = (where: From): CommonRule => ({ rule: 'stamp', to: where, ifDeclared: true });
export const answer = (body: unknown): CommonRule => ({ rule: 'answer', body });
export const serve = <Handler extends string>(handler: Handler): ServeRule<Handler> => ({
  rule: 'serve',
  handler,
});
/** A judge of its own; where it can be asked several things, with the one that this row asks. */
export const special = <Name extends SpecialName>(
  name: Name,
  ...asks: SpecialQuestions[Name] extends undefined ? [] : [SpecialQuestions[Name]]
): CommonRule => ({ rule: 'special', name, asks: asks[0] }) as SpecialRule;
/** Refused to callers with DENY on every thing of a kind. */
export const unlessDenied = (kind: PartKind): CommonRule => ({ rule: 'unless-denied', kind });
/** Refused to callers with DENY on every thing of a kind, where one of these is sent; with `form`, as text of that form. */
export const unlessDeniedWhen = (kind: PartKind, from: readonly From[], form?: RegExp): CommonRule => ({
  rule: 'unless-denied',
  kind,
  when: { from, ...(form && { form }) },
});
export const conceal = (kind: RootKind, at: string, id: string, ...fields: string[]): CommonRule => ({
  rule: 'conceal',
  kind,
  at,
  id,
  ...(fields.length > 0 && { fields }),
});
export const withhold = (kind: PartKind, at: string): CommonRule => ({ rule: 'withhold', kind, at });
export const afresh: CommonRule = { rule: 'afresh' };
export const brings = (what: BroughtName): CommonRule => ({ rule: 'brings', what });
export const linkPages: CommonRule = { rule: 'link-pages' };
export const takesAnyField: CommonRule = { rule: 'takes-any-field' };
export const withFirstPassword: CommonRule = { rule: 'with-first-password' };
export const inAnyScope: CommonRule = { rule: 'in-any-scope' };
export const takesQuery: CommonRule = { rule: 'takes-query' };
export const takesForm: CommonRule = { rule: 'takes-form' };
export const takesUpload = (json: string, file: string): CommonRule => ({ rule: 'takes-upload', json, file });
export const streams: CommonRule = { rule: 'streams' };
export const takesBytes: CommonRule = { rule: 'takes-bytes' };
