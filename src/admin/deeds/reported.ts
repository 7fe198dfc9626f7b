import type { ReadingStore } from '../../audit/changing.ts';
import { principalOf } from '../../identity/accounts.ts';
import { decide, type Need, readNeed } from '../../policy/decide.ts';
import { ACTIONS, explain, type Source } from '../../policy/explain.ts';
import { isRootKind } from '../../policy/grantable.ts';
import { type Action, PERMISSION_FOR, type Permission, refuses } from '../../policy/permissions.ts';
import type { AuditEntry } from '../../store/audit/index.ts';
import type { Account } from '../../store/types.ts';
import { DEFAULT_WORKSPACE } from '../../store/workspace.ts';

/** What one user lacked on one thing, or was let do though nothing that is granted allows it. */
export interface Refusal {
  readonly username: string;
  /** The workspace that it was in. */
  readonly workspace: string;
  /** Undefined where it was nothing that is granted. */
  readonly need: Need | undefined;
  readonly because: string;
  /** The operations that were let pass, newest first. */
  readonly operations: ReadonlySet<string>;
  readonly count: number;
  /** When the last one was, in milliseconds since the epoch. */
  readonly last: number;
}

/**
 * What would allow it. `gone`: there is no such user any more. `none`: no grant does. `refused`: what the user or a role
 * holds refuses it whatever else is granted.
 */
export type Advice =
  | { readonly is: 'gone' | 'none' }
  | { readonly is: 'refused'; readonly by: Source }
  | {
      readonly is: 'grant';
      readonly need: Need;
      /** What the user's own grant there is now; undefined if there is none. */
      readonly replaces: Permission | undefined;
      /** What the user may do there now; undefined where what it lies in decides. */
      readonly holds: Permission | undefined;
    };

/** What would be refused, as far as the audit log was read. */
export interface Collected {
  /** Of every workspace, by user, then by thing. */
  readonly refusals: readonly Refusal[];
  /** The moment from which on it was read, where there was more than could be. */
  readonly readSince: number | undefined;
}

const PAGE = 1000;

/**
 * Reads out of the audit log what was let pass and would have been refused, newest first.
 *
 * @param asked.mostEntries - after so many entries it stops.
 */
export async function collectRefusals(
  { audit }: Pick<ReadingStore, 'audit'>,
  asked: {
    readonly since: number | undefined;
    readonly username?: string | undefined;
    readonly mostEntries?: number;
  },
): Promise<Collected> {
  const { since, username, mostEntries = Number.POSITIVE_INFINITY } = asked;
  const refusals = new Map<string, OpenRefusal>();
  let before: string | undefined;
  let read = 0;
  let readSince: number | undefined;
  do {
    const page = await audit.search({ allowed: false, since, username }, PAGE, before);
    for (const entry of page) {
      if (!entry.enforced && entry.username !== null) {
        note(refusals, entry, entry.username);
      }
    }
    read += page.length;
    const last = page.length === PAGE ? page.at(-1) : undefined;
    before = last?.id;
    readSince = read >= mostEntries ? last?.at : undefined;
  } while (before !== undefined && readSince === undefined);
  return {
    refusals: [...refusals.values()].toSorted(
      (one, other) => compare(one.username, other.username) || compare(labelOf(one), labelOf(other)),
    ),
    readSince,
  };
}

type OpenRefusal = { -readonly [K in keyof Refusal]: Refusal[K] } & { readonly operations: Set<string> };

const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);

function note(refusals: Map<string, OpenRefusal>, entry: AuditEntry, username: string): void {
  const { workspace, because } = placeOf(entry);
  const need = readNeed(because, entry.resources);
  const key = JSON.stringify([username, workspace, need ?? because]);
  const refusal = refusals.get(key) ?? {
    ...{ username, workspace, need, because },
    ...{ operations: new Set<string>(), count: 0, last: entry.at },
  };
  refusals.set(key, refusal);
  refusal.count += 1;
  refusal.last = Math.max(refusal.last, entry.at);
  refusal.operations.add(entry.operation ?? `${entry.method} ${entry.path}`);
}

/** An entry about another workspace than the default one says so before its reason. */
function placeOf({ because }: AuditEntry): Pick<Refusal, 'workspace' | 'because'> {
  const [, workspace, reason] = /^workspace ([^\s:]+): (.*)$/s.exec(because) ?? [];
  return workspace === undefined || reason === undefined
    ? { workspace: DEFAULT_WORKSPACE, because }
    : { workspace, because: reason };
}

/** Tells the refusals of one user apart, in the order in which they are listed. */
export const labelOf = ({ need, because }: Pick<Refusal, 'need' | 'because'>): string =>
  need === undefined ? `~${because}` : `${need.type} ${need.id} ${need.permission}`;

/**
 * What would allow it, by the policy that decides about requests.
 *
 * @param account - of the user, in the workspace of the refusal; undefined if there is none any more.
 * @returns undefined if it is allowed by now.
 */
export function adviceOn(
  { need }: Pick<Refusal, 'need'>,
  account: Account | undefined,
  defaultPermission: Permission,
): Advice | undefined {
  if (account === undefined) {
    return { is: 'gone' };
  }
  if (need === undefined) {
    return { is: 'none' };
  }
  const { type, id, permission } = need;
  const replaces = account.grants.find(
    ({ via, resourceType, resourcePattern }) =>
      via === 'user' && resourceType === type && resourcePattern === id,
  )?.permission;
  if (!isRootKind(type)) {
    return { is: 'grant', need, replaces, holds: undefined };
  }
  const subject = principalOf(account);
  const decisions = ACTIONS.map((each) => decide(subject, each, { kind: type, id }, defaultPermission));
  if (decisions[ACTIONS.indexOf(actionFor(permission))]?.allow === true) {
    return undefined;
  }
  const { sources, permission: holds } = explain(decisions, defaultPermission);
  const by = sources.find(({ source, permission: held }) => source !== 'default' && refuses(held));
  return by === undefined ? { is: 'grant', need, replaces, holds } : { is: 'refused', by };
}

const actionFor = (permission: Permission): Action =>
  ACTIONS.find((action) => PERMISSION_FOR[action] === permission) ?? 'manage';
