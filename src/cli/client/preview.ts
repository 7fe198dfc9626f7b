import type { AskingCommand, Plan } from './command.ts';
import { type JsonObject, objectsIn } from './json.ts';
import type { Column } from './render-table.ts';
import type { Input } from './send.ts';

const permission =
  (field: string) =>
  (row: JsonObject): string =>
    typeof row[field] === 'string' ? row[field] : 'as what it lies in';

const COLUMNS: readonly Column[] = [
  ['NAME', 'username'],
  ['TYPE', 'resource_type'],
  ['ON', 'resource_id'],
  ['NOW', permission('before')],
  ['THEN', permission('after')],
];

/** What `--dry-run` asks in place of the command. */
export function previewOf({ preview }: AskingCommand, input: Input): Plan {
  return {
    call: { method: 'GET', path: '2.0 permissions/preview' },
    input: preview?.(input) ?? {},
    shows: {
      list: true,
      pick: ({ effects }) => objectsIn(effects),
      columns: COLUMNS,
      whyEmpty: () => 'Nobody would gain or lose anything. Nothing was changed.',
    },
  };
}

/** Remarks on a preview: what is not in its table. */
export function remarkOnPreview(reply: JsonObject): string {
  const leftOut = reply['effects_left_out'];
  const more = typeof leftOut === 'number' ? ` ${leftOut} more are not shown.` : '';
  return [`Nothing was changed.${more}`, leftBehind(reply)].filter((each) => each !== undefined).join(' ');
}

/** What nobody manages but admins once a user is gone. */
export function leftBehind(reply: JsonObject): string | undefined {
  const left = objectsIn(reply['left_without_manager']);
  if (left.length === 0) {
    return undefined;
  }
  const named = left.slice(0, 10).map((each) => `${each['resource_type']} ${each['resource_id']}`);
  const more = left.length > named.length ? `, and ${left.length - named.length} more` : '';
  return `Nobody but admins manages ${named.join(', ')}${more} then: delete-user --give-to NAME gives that to another user, grant does afterwards.`;
}

/** What `delete-user` has to say of what the user managed. */
export function tellHeritage(reply: JsonObject, { give_to: to }: Input): string | undefined {
  if (to === undefined) {
    return leftBehind(reply);
  }
  return Array.isArray(reply['given'])
    ? undefined
    : `The server knows nothing of --give-to, and gave nothing to ${to}.`;
}

/** What the flags of a command that grants on a thing of a type ask. */
export const onThing =
  (change: string) =>
  ({ username, role_id, resource_type, resource_id, resource_pattern, permission: given }: Input): Input =>
    defined({
      change,
      username,
      role_id,
      resource_type,
      resource_id: resource_id ?? resource_pattern,
      permission: given,
    });

/** Leaves out what was not given. */
export function defined(input: Readonly<Record<string, Input[string] | undefined>>): Input {
  return Object.fromEntries(
    Object.entries(input).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
