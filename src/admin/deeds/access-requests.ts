import type { Changing, ReadingStore } from '../../audit/changing.ts';
import type { SignedIn } from '../../identity/principal.ts';
import type { LookAt, SeenThing } from '../../mlflow/things/look-at.ts';
import { administersWorkspace, type Decision, mayDoEverything } from '../../policy/decide.ts';
import { allows, type Permission, stronger } from '../../policy/permissions.ts';
import { ALL } from '../../policy/resources.ts';
import type { AccessRequest, Subject } from '../../store/access-requests.ts';
import { ASKED_KINDS } from '../contract/access-requests.ts';
import { changeGrant, type GrantTarget, grant } from './grants.ts';

export type AskedKind = (typeof ASKED_KINDS)[number];

/** What decides who may answer a request, and tells what it is about. */
export interface AnswerParts {
  readonly store: Pick<ReadingStore, 'accessRequests'>;
  readonly deciding: {
    on(
      caller: SignedIn,
      reference: { readonly kind: AskedKind; readonly id: string; readonly action: 'manage' },
    ): Promise<Decision> | Decision;
  };
  readonly lookAt: LookAt;
  readonly defaultPermission: Permission;
  readonly keepMs: number;
}

/** A request with the thing that it is about. */
export interface Answerable {
  readonly request: AccessRequest;
  readonly thing: SeenThing;
}

/** How many requests are read from the store at once. */
const READ_AT_ONCE = 200;
/** How many things MLflow is asked for at the same time. */
const LOOKED_AT_ONCE = 4;
/** More things than this are not named in a query: all requests are then looked through. */
const MOST_NAMED = 500;

/**
 * The open requests that a caller may answer: those on things that are there and that they hold MANAGE on, by the decision
 * that every request of theirs gets. A request on nothing is shown to nobody.
 *
 * @param page.about - those on this thing alone.
 */
export async function answerableBy(
  parts: AnswerParts,
  caller: SignedIn,
  page: { readonly after: number | undefined; readonly limit: number; readonly about: Subject | undefined },
): Promise<readonly Answerable[]> {
  const only = page.about === undefined ? managedBy(caller, parts.defaultPermission) : [page.about];
  if (only?.length === 0) {
    return [];
  }
  const seen = rememberingLookAt(parts.lookAt);
  const found: Answerable[] = [];
  let { after } = page;
  for (;;) {
    const read = { after, limit: READ_AT_ONCE, keepMs: parts.keepMs };
    const batch = await parts.store.accessRequests.open(read, only);
    found.push(...(await shownOf(parts, caller, batch, { seen, most: page.limit - found.length })));
    after = batch.at(-1)?.id;
    if (batch.length < READ_AT_ONCE || found.length >= page.limit) {
      return found.slice(0, page.limit);
    }
  }
}

/** Those of a batch that may be answered, as many as are wanted or a few more. */
async function shownOf(
  parts: AnswerParts,
  caller: SignedIn,
  batch: readonly AccessRequest[],
  { seen, most }: { readonly seen: LookAt; readonly most: number },
): Promise<readonly Answerable[]> {
  const found: Answerable[] = [];
  for (let start = 0; start < batch.length && found.length < most; start += LOOKED_AT_ONCE) {
    const few = batch.slice(start, start + LOOKED_AT_ONCE);
    const looked = await Promise.all(
      few.map((request) => answerable({ ...parts, lookAt: seen }, caller, request)),
    );
    // One that MLflow does not tell anything of is left for later.
    found.push(...looked.filter((each) => each !== undefined && each !== 'unclear'));
  }
  return found;
}

/**
 * A request with its thing, if the caller may answer it; undefined if not, or if there is no such thing; `unclear` if MLflow
 * does not say.
 */
export async function answerable(
  { deciding, lookAt }: Pick<AnswerParts, 'deciding' | 'lookAt'>,
  caller: SignedIn,
  request: AccessRequest,
): Promise<Answerable | 'unclear' | undefined> {
  const { resourceId: id } = request;
  const kind = ASKED_KINDS.find((each) => each === request.type);
  if (kind === undefined || id === undefined) {
    return undefined;
  }
  const { allow } = await deciding.on(caller, { kind, id, action: 'manage' });
  const thing = allow ? await lookAt(kind, id) : undefined;
  return thing === undefined || thing === 'unclear' ? thing : { request, thing };
}

function rememberingLookAt(lookAt: LookAt): LookAt {
  const looked = new Map<string, ReturnType<LookAt>>();
  return (kind, id) => {
    const key = `${kind} ${id}`;
    const found = looked.get(key) ?? lookAt(kind, id);
    looked.set(key, found);
    return found;
  };
}

/**
 * The things that a caller may manage, as far as grants name them one by one; undefined where more may be. It says where to
 * look, and decides nothing.
 */
function managedBy(caller: SignedIn, defaultPermission: Permission): readonly Subject[] | undefined {
  if (mayDoEverything(caller) || administersWorkspace(caller) || allows(defaultPermission, 'manage')) {
    return undefined;
  }
  const grants = (['experiment', 'registered_model', 'prompt'] as const)
    .flatMap((kind) => caller.grantsOfKind(kind))
    .filter(({ permission }) => allows(permission, 'manage'));
  if (grants.some(({ resourcePattern }) => resourcePattern === ALL)) {
    return undefined;
  }
  const named = new Map(
    grants.map(({ resourceType, resourcePattern: id }) => {
      // Prompts share the names of models.
      const type = resourceType === 'prompt' ? 'registered_model' : resourceType;
      return [`${type} ${id}`, { type, id }];
    }),
  );
  return named.size > MOST_NAMED ? undefined : [...named.values()];
}

/** Has a user hold at least this much on a thing by a grant of their own: one that says more stays. */
export async function giveAtLeast(
  grants: Changing['grants'],
  user: { readonly id: number },
  target: GrantTarget,
  permission: Permission,
): Promise<void> {
  const held = await grants.get(user.id, target.type, target.id);
  if (held === undefined) {
    await grant(grants, user, target, permission);
  } else if (stronger(held, permission) !== held) {
    await changeGrant(grants, user, target, permission);
  }
}
