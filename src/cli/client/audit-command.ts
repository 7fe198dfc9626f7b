import { unusable } from '../failure.ts';
import type { Argument } from './arguments.ts';
import { entriesNewestFirst, follow } from './audit-entries.ts';
import type { StreamingCommand, StreamTools } from './command.ts';
import { type JsonObject, objectsIn } from './json.ts';
import { readMoment } from './read-moment.ts';
import { type Column, openTable } from './render-table.ts';
import type { Input } from './send.ts';
import { textOr, time } from './shows.ts';
import { idOf } from './thing.ts';

/** What a table shows unless told otherwise: it is for people. */
const SHOWN = 100;
/** What `--follow` begins with. */
const BEFORE_FOLLOWING = 10;

const flag = (field: string, usage: string, does: string, reads: Argument['reads'] = 'text'): Argument => ({
  field,
  usage,
  does,
  reads,
});

export const AUDIT_COMMAND: StreamingCommand = {
  name: 'audit',
  group: 'Audit',
  does: 'show who did what, newest first',
  more: 'Only admins may. Times are how long ago (2d, 12h, 30m) or dates (2026-11-29, 2026-11-29T08:00Z).',
  takes: [],
  flags: [
    flag('since', 'TIME', 'from then on'),
    flag('until', 'TIME', 'until then'),
    flag('user', 'NAME', 'what this user did or tried'),
    flag('action', 'ACTION', 'read, update, create, delete, grant, revoke, sign_in, create_user, …'),
    flag('experiment', 'ID', 'what was done to this experiment, by id or name'),
    flag('model', 'NAME', 'what was done to this registered model'),
    flag('resource_type', 'TYPE', 'what was done to anything of this type', 'type'),
    flag('resource_id', 'ID', 'what was done to anything of this id'),
    flag('allowed', 'True|False', 'False: what was refused', 'boolean'),
    flag('request', 'ID', 'what the request of this id did'),
    flag('limit', 'NUMBER', `the newest so many; a table shows ${SHOWN} otherwise`),
    flag('follow', '', 'go on with what is done from now on, newest last', 'flag'),
    flag('json', '', 'one JSON object per line', 'flag'),
    flag('csv', '', 'a table for spreadsheets', 'flag'),
  ],
  streams: showEntries,
  examples: [
    'audit --since 2d --allowed False',
    'audit --experiment 7 --action delete',
    'audit --user alice --since 2026-11-01 --csv > alice.csv',
    'audit --follow',
  ],
};

const COLUMNS: readonly Column[] = [
  ['TIME', time('at')],
  ['USER', textOr('username', '')],
  ['ACTION', 'action'],
  [
    'ON',
    ({ resources }) =>
      objectsIn(resources)
        .map((each) => `${each['resource_type']} ${each['resource_id']}`)
        .join(', '),
  ],
  ['ALLOWED', allowed],
  ['FROM', ({ ip, credential }) => [credentialOf(credential), ip].filter(Boolean).join(' ')],
  ['WHY', ({ because, change }) => changeOf(change) ?? String(because)],
  ['REQUEST', textOr('request_id', '')],
];

function allowed({ allowed: isAllowed, enforced }: JsonObject): string {
  return isAllowed === true ? 'yes' : enforced === true ? 'no' : 'no, let pass';
}

function credentialOf(credential: unknown): string {
  const [found] = objectsIn([credential]);
  return [found?.['kind'], found?.['id']].filter(Boolean).join(' ');
}

/** `permission: READ → EDIT`, or all there is of what came or went. */
function changeOf(change: unknown): string | undefined {
  const [found] = objectsIn([change]);
  if (found === undefined) {
    return undefined;
  }
  const [[before], [after]] = [objectsIn([found['before']]), objectsIn([found['after']])];
  if (before === undefined || after === undefined) {
    return before === undefined ? `new: ${fieldsOf(after)}` : `was: ${fieldsOf(before)}`;
  }
  return Object.entries(after)
    .filter(([field, value]) => JSON.stringify(value) !== JSON.stringify(before[field]))
    .map(([field, value]) => `${field}: ${shown(before[field])} → ${shown(value)}`)
    .join(', ');
}

const fieldsOf = (fields: JsonObject | undefined): string =>
  Object.entries(fields ?? {})
    .map(([field, value]) => `${field} ${shown(value)}`)
    .join(', ');

const shown = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value ?? null));

async function* showEntries(input: Input, tools: StreamTools): AsyncGenerator<string | Uint8Array> {
  const [json, csv, follows] = [input['json'] === true || tools.json, input['csv'] === true, input['follow']];
  if (csv && (json || follows === true)) {
    throw unusable('--csv goes with neither --json nor --follow.');
  }
  const limit = limitIn(input);
  const filter = await filterIn(input, tools);
  if ((csv || json) && follows !== true && limit === undefined) {
    const format = csv ? 'csv' : 'jsonl';
    yield* tools.read({ method: 'GET', path: '2.0 audit/export' }, { ...filter, format });
    return;
  }
  if (csv) {
    throw unusable('--limit does not go with --csv: narrow it by --since instead.');
  }
  const table = openTable(COLUMNS);
  const render = (entries: readonly JsonObject[]) =>
    json ? entries.map((entry) => `${JSON.stringify(entry)}\n`).join('') : table(entries);
  if (follows === true) {
    for await (const entries of follow(filter, limit ?? BEFORE_FOLLOWING, tools)) {
      yield render(entries);
    }
    return;
  }
  yield* showNewest(filter, limit, render, tools);
}

async function* showNewest(
  filter: Input,
  limit: number | undefined,
  render: (entries: readonly JsonObject[]) => string,
  tools: StreamTools,
): AsyncGenerator<string> {
  let left = limit ?? SHOWN;
  let isAny = false;
  for await (const { entries, isLast } of entriesNewestFirst(filter, tools, left)) {
    isAny ||= entries.length > 0;
    if (isAny) {
      yield render(entries.slice(0, left));
    }
    left -= entries.length;
    if (left <= 0) {
      if (limit === undefined && (!isLast || left < 0)) {
        tools.say(`These are the newest ${SHOWN}; --limit, --since and --json show more.`);
      }
      return;
    }
  }
  if (!isAny) {
    tools.say('Nothing of that is in the audit log.');
  }
}

function limitIn({ limit }: Input): number | undefined {
  if (limit === undefined) {
    return undefined;
  }
  if (!/^[1-9]\d{0,8}$/.test(String(limit))) {
    throw unusable('--limit is a number from 1 on.');
  }
  return Number(limit);
}

/** The parameters of the API that the flags stand for. */
async function filterIn(input: Input, { ask, clock }: StreamTools): Promise<Input> {
  const about = [input['experiment'], input['model'], input['resource_id'] ?? input['resource_type']];
  if (about.filter((each) => each !== undefined).length > 1) {
    throw unusable('Give only one of --experiment, --model and --resource-type with --resource-id.');
  }
  const { experiment, model } = input;
  const named: Readonly<Record<string, string | number | boolean | undefined>> = {
    username: input['user'],
    action: input['action'],
    resource_type: input['resource_type'],
    resource_id: input['resource_id'],
    allowed: input['allowed'],
    request_id: input['request'],
    ...(experiment !== undefined && {
      resource_type: 'experiment',
      resource_id: await idOf({ type: 'experiment', id: String(experiment) }, ask),
    }),
    ...(model !== undefined && { resource_type: 'registered_model', resource_id: model }),
    ...momentIn(input, 'since', clock()),
    ...momentIn(input, 'until', clock()),
  };
  return Object.fromEntries(
    Object.entries(named).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

function momentIn(input: Input, field: 'since' | 'until', now: number): Input {
  const text = input[field];
  return text === undefined ? {} : { [field]: readMoment(`--${field}`, String(text), now) };
}
