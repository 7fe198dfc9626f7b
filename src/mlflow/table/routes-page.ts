import { liveRoutes, SAMPLED_VERSIONS } from '../read/fields.ts';
import { keyOf } from './coverage.ts';
import { expandPath, type Operation, operationsOf } from './match.ts';
import { carryOut, type Executors, type Phase } from './phases.ts';
import type { AnyRow, From, Locator, Need, Rule } from './row.ts';

const INTRO = `# Every operation and what it needs

<!-- Generated from src/mlflow/table/routes.ts and src/admin/routes.ts by npm run docs: change it there. -->

Every operation that the gateway knows, with what a caller needs for it. What is not here is refused to
everyone but an admin; an admin may do everything but what is offered to nobody.

- **Paths**: \`2.0 runs/get\` is \`/api/2.0/mlflow/runs/get\` and its twin under \`/ajax-api\`; \`ajax 2.0 …\`
  and \`api 2.0 …\` exist under one prefix only; \`artifacts 2.0 …\` is \`/api/2.0/mlflow-artifacts/…\` and
  its twin; anything else is the whole path. \`:name\` is one segment, \`*name\` the rest. HEAD is judged
  as GET.
- **Needs**: a permission is needed on each thing that the operation touches, or on the root that it
  belongs to: a run, trace, logged model, dataset and so on belong to experiments. *signed in* is a caller
  who has proved who they are, *public* is everybody.
- **MLflow**: which of ${SAMPLED_VERSIONS.join(', ')} serve the operation; *gateway* where the gateway
  answers itself.
`;

/** In words that stand in a table of permissions. */
const NEEDS = {
  read: 'READ',
  use: 'USE',
  update: 'EDIT',
  delete: 'MANAGE',
  manage: 'MANAGE',
  public: 'public',
  'signed-in': 'signed in',
  admin: 'admin',
  nobody: 'nobody',
} as const satisfies Record<Need, string>;

/**
 * The text of `docs/routes.md`.
 *
 * @param tables - rows by what they are about.
 */
export function renderRoutes(tables: Readonly<Record<string, readonly AnyRow[]>>): string {
  const sections = Object.entries(tables).map(([title, rows]) => {
    const lines = operationsOf(rows).map((operation) =>
      row([
        `\`${operation.name}\``,
        NEEDS[operation.need],
        operation.locators.map((locator) => touches(locator, operation)).join('; '),
        operation.rules.map(follows).filter(Boolean).join('; '),
        servedBy(operation),
      ]),
    );
    return `## ${title}\n\n${row(['Operation', 'Needs', 'Touches', 'Follows', 'MLflow'])}\n|---|---|---|---|---|\n${lines.join('\n')}\n`;
  });
  return `${INTRO}\n${sections.join('\n')}`;
}

const row = (cells: readonly string[]) =>
  `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;

const code = (from: From) => `\`${from}\``;
const words = (kind: string) => kind.replaceAll('_', ' ');
const list = (froms: readonly From[], joint = ', ') => froms.map(code).join(joint);

function touches(
  { kind, from, optional, orNone, action, fresh, part, tierAction, unless }: Locator,
  operation: Operation,
): string {
  const bodiless = operation.method === 'GET';
  const here = from.filter((each) => !each.startsWith(bodiless ? 'body.' : 'query.'));
  return [
    action !== undefined && action !== operation.need && `${NEEDS[action]} on`,
    part !== undefined && `every ${words(part)} of`,
    tierAction !== undefined && `(${NEEDS[tierAction]} where granted on all)`,
    `${words(kind)} in ${list(here.length === 0 ? from : here, ' or ')}`,
    optional && 'if given',
    orNone && 'if any',
    unless !== undefined && `unless ${code(unless)} is given`,
    fresh && '(new, or of the same experiment)',
  ]
    .filter(Boolean)
    .join(' ');
}

/** What follows from each rule, in words; empty for what is nothing to a caller. */
const FOLLOWS: Executors<Phase['by'], [], string> = {
  keep: (rule) =>
    `\`${rule.list}\` of the reply keeps what the caller may ${rule.action ?? 'read'} (${words(rule.kind)} \`${rule.id}\`)`,
  narrow: (rule) =>
    rule.unnamed === 'all'
      ? `${code(rule.from)} keeps what the caller may read, and is that if it is not given`
      : `${code(rule.from)} keeps what the caller may read`,
  'judge-reply': (rule) => `judged by the ${words(rule.kind)} in the reply`,
  adopt: (rule) => `the creator gets MANAGE on the ${words(rule.kind)}`,
  rename: () => 'grants follow the new name',
  forget: (rule) =>
    rule.unless === undefined
      ? 'grants are deleted with it'
      : `grants are deleted with it, unless ${code(rule.unless)} is given`,
  'opens-workspace': () => 'it gets the roles `admin` and `user`',
  'closes-workspace': () => 'its roles are deleted with it',
  learn: () => '',
  own: (rule) => `the caller owns the ${words(rule.kind)}`,
  'admin-only': (rule) => `${list(rule.from)} is for admins: ${rule.why}`,
  'admin-names': (rule) => `options of MLflow's own libraries are for admins: ${rule.why}`,
  only: (rule) => `${code(rule.from)} other than \`${rule.form.source}\` is for admins: ${rule.why}`,
  absent: (rule) => `${list(rule.from)} must be left out`,
  equal: (rule) => `${code(rule.from[1])} must be ${code(rule.from[0])}${rule.required ? '' : ' if given'}`,
  keys: (rule) =>
    `${list(rule.from)}: keys that MLflow acts on ask for more (src/mlflow/things/acted-on-keys.ts)`,
  'keys-need': (rule) =>
    `${NEEDS[rule.action]} if ${code(rule.from)} has ${rule.keys.map((key) => `\`${key}\``).join(' or ')}`,
  redact: (rule) => `${rule.fields.map((field) => `\`${field}\``).join(', ')} only for admins`,
  'link-pages': () => "one line is added to MLflow's page, which leads to Share and Account",
  'allowed-actions': () => 'the reply says what the caller may do, in `allowed_actions`',
  stamp: (rule) => `${code(rule.to)} is the caller's name`,
  answer: (rule) => `always \`${JSON.stringify(rule.body)}\``,
  serve: () => '',
  special: (rule) => `judged further by src/gateway (${rule.name})`,
  'unless-denied': (rule) =>
    [
      `not with DENY on every ${words(rule.kind)}`,
      rule.when !== undefined && `if ${list(rule.when.from, ' or ')}`,
      rule.when !== undefined && (rule.when.form ? `matches \`${rule.when.form.source}\`` : 'is given'),
    ]
      .filter(Boolean)
      .join(' '),
  conceal: (rule) =>
    `${rule.fields === undefined ? 'each' : rule.fields.map((field) => `\`${field}\``).join(', ')} of \`${rule.at}\` in the reply only with READ on the ${words(rule.kind)} in \`${rule.id}\``,
  withhold: (rule) => `\`${rule.at}\` of the reply is withheld with DENY on every ${words(rule.kind)}`,
  afresh: () => '',
  brings: (rule) => `the caller gets MANAGE on the experiment that MLflow makes by itself (${rule.what})`,
  'with-first-password': () => 'also with a first password that must be changed',
  'in-any-scope': () => 'also with a token that is confined to some resources',
  'takes-bytes': () => '',
  'takes-any-field': () => '',
  'takes-form': () => '',
  'takes-upload': (rule) =>
    `the body is JSON, or a form with it in \`${rule.json}\` and a file in \`${rule.file}\``,
  'takes-query': () => '',
  streams: () => 'the body streams through',
};

const follows = (rule: Rule): string => carryOut<Phase['by'], [], string>(FOLLOWS, rule);

function servedBy({ method, path, rules }: Operation): string {
  if (rules.some(({ rule }) => rule === 'serve' || rule === 'answer')) {
    return 'gateway';
  }
  const keys = new Set(expandPath(path).map((full) => keyOf(method, full)));
  const versions = SAMPLED_VERSIONS.filter((version) =>
    KEYS_OF_VERSION.get(version)?.some((key) => keys.has(key)),
  );
  return versions.length === SAMPLED_VERSIONS.length ? 'all' : rangesOf(versions);
}

/** `3.9.0 to 3.12.0, from 3.15.2 on`. */
function rangesOf(versions: readonly string[]): string {
  const starts = versions.filter((version) => !versions.includes(before(version)));
  return starts
    .map((start) => {
      const rest = SAMPLED_VERSIONS.slice(SAMPLED_VERSIONS.indexOf(start));
      const gap = rest.findIndex((version) => !versions.includes(version));
      if (gap === -1) {
        return `from ${start} on`;
      }
      return gap === 1 ? start : `${start} to ${rest[gap - 1]}`;
    })
    .join(', ');
}

const before = (version: string) => SAMPLED_VERSIONS[SAMPLED_VERSIONS.indexOf(version) - 1] ?? '';

const KEYS_OF_VERSION: ReadonlyMap<string, readonly string[]> = new Map(
  SAMPLED_VERSIONS.map((version) => [
    version,
    (liveRoutes(version) ?? []).flatMap((operation) => {
      const space = operation.indexOf(' ');
      return expandPath(operation.slice(space + 1)).map((full) => keyOf(operation.slice(0, space), full));
    }),
  ]),
);
