import type { ReadingStore } from '../../audit/changing.ts';
import type { Permission } from '../../policy/permissions.ts';
import type { Reply } from '../../reply.ts';
import { ofExplanations } from '../contract/explanations.ts';
import type { Answer } from '../contract/index.ts';
import { type Advice, adviceOn, collectRefusals, labelOf, type Refusal } from '../deeds/reported.ts';
import type { Call } from '../handler.ts';
import type { HealthParts } from './health.ts';
import { pageAskedIn, pageOf } from './paging.ts';
import { filtersOf } from './parameters.ts';

type Row = Answer<'permissions.report'>['refusals'][number];

/** So many entries of the audit log are read for one answer. */
const MOST_ENTRIES = 100_000;
/** Of one refusal so many operations are named. */
const MOST_OPERATIONS = 10;

export interface ReportParts {
  readonly store: Pick<ReadingStore, 'audit' | 'account' | 'workspace'>;
  readonly defaultPermission: Permission;
  readonly health: Pick<HealthParts, 'enforcement'>;
}

/** What would be refused, were permissions enforced: by the code of `mlflow-auth-gateway report`. */
export function reportHandlers({ store, defaultPermission, health }: ReportParts) {
  return {
    async 'permissions.report'(call: Call): Promise<Reply> {
      const { username, since } = filtersOf(call, ofExplanations['permissions.report'].query);
      const page = pageAskedIn(call, 'string', 'string');
      const asked = { since, username, mostEntries: MOST_ENTRIES };
      const { refusals, readSince } = await collectRefusals(store, asked);
      const here = refusals.filter(({ workspace }) => workspace === store.workspace);
      const rows = await open(here.filter(isAfter(page.after)), page.max + 1);
      const { shown, next } = pageOf(rows, page, ({ refusal }) => [refusal.username, labelOf(refusal)]);
      return {
        body: {
          enforcement: health.enforcement,
          refusals: shown.map(({ refusal, advice }) => refusalJson(refusal, advice)),
          ...(readSince !== undefined && { read_since: readSince }),
          ...next,
        },
      };
    },
  };

  /** The first that are not allowed by now. */
  async function open(refusals: readonly Refusal[], max: number) {
    const rows: { readonly refusal: Refusal; readonly advice: Advice }[] = [];
    for (const [username, ofUser] of Map.groupBy(refusals, (each) => each.username)) {
      const account = await store.account(username);
      for (const refusal of ofUser) {
        const advice = adviceOn(refusal, account, defaultPermission);
        if (advice !== undefined) {
          rows.push({ refusal, advice });
        }
      }
      if (rows.length >= max) {
        break;
      }
    }
    return rows.slice(0, max);
  }
}

/** Whether a refusal comes behind the last one of the page before. */
function isAfter(after: readonly (string | number)[] | undefined): (refusal: Refusal) => boolean {
  const [username = '', label = ''] = (after ?? []).map(String);
  return (each) =>
    each.username > username || (each.username === username && labelOf(each) > label) || after === undefined;
}

function refusalJson(refusal: Refusal, advice: Advice): Row {
  const { username, need, because, count, last, operations } = refusal;
  const granting = advice.is === 'grant' ? advice : undefined;
  const by = advice.is === 'refused' ? advice.by : undefined;
  return {
    username,
    need: need === undefined ? null : { ...targetOf(need), permission: need.permission },
    because,
    requests: count,
    last_at: last,
    operations: [...operations].slice(0, MOST_OPERATIONS),
    advice: advice.is,
    holds: granting?.holds ?? null,
    replaces: granting?.replaces ?? null,
    refused_by:
      by === undefined
        ? null
        : {
            ...targetOf({ type: by.resourceType ?? '', id: by.resourcePattern }),
            role: by.source === 'role' ? (by.name ?? null) : null,
            permission: by.permission,
          },
  };
}

const targetOf = ({ type, id }: { readonly type: string; readonly id: string }) => ({
  resource_type: type,
  resource_id: id,
});
