import type { ReadingStore } from '../../audit/changing.ts';
import { alreadyExists, denied, invalid, notFound, unavailable } from '../../errors.ts';
import type { SignedIn } from '../../identity/principal.ts';
import type { LookAt } from '../../mlflow/things/look-at.ts';
import { type Action, PERMISSION_FOR, type Permission } from '../../policy/permissions.ts';
import { ALL } from '../../policy/resources.ts';
import type { Reply } from '../../reply.ts';
import type { AccessRequest, AccessRequestLimits } from '../../store/access-requests.ts';
import { ofAccessRequests } from '../contract/access-requests.ts';
import { type Answerable, answerable, answerableBy, giveAtLeast } from '../deeds/access-requests.ts';
import { type Call, callerOf, DONE } from '../handler.ts';
import { type Deciding, thingIn } from './explain.ts';
import { permissionOn } from './grants.ts';
import { pageAskedIn, pageOf } from './paging.ts';
import { bodyOf, filtersOf, integer } from './parameters.ts';

export interface AccessRequestParts {
  readonly store: Pick<ReadingStore, 'accessRequests'>;
  readonly deciding: Deciding;
  readonly lookAt: LookAt;
  readonly defaultPermission: Permission;
  readonly accessRequests: AccessRequestLimits;
}

/**
 * Requests for access. Asking looks at nothing but what the caller holds: a hidden thing and none get the same answer, in the
 * same time. A request is no right; whoever holds MANAGE on the thing grants it, or does not.
 */
export function accessRequestHandlers(parts: AccessRequestParts) {
  return { ...askingHandlers(parts), ...answeringHandlers(parts) };
}

/** What whoever asks does. */
function askingHandlers({ store, deciding, accessRequests: limits }: AccessRequestParts) {
  return {
    async 'accessRequests.create'(call: Call): Promise<Reply> {
      const body = bodyOf(call, ofAccessRequests['accessRequests.create'].body);
      const { resource_type: type, resource_id: id, permission, message } = body;
      const caller = callerOf(call);
      if (limits.most === 0) {
        throw denied('Nobody asks for access here (access_requests_per_user is 0). Ask an admin.');
      }
      thingIn(type, id);
      if (id === ALL) {
        throw invalid("Parameter 'resource_id' must name one thing: ask an admin for everything of a kind.");
      }
      if (deciding.onRoot(caller, needOf(permission), { kind: type, id }).allow) {
        throw alreadyExists(`You hold ${permission} on it, or more, already.`);
      }
      const asked = { userId: caller.id, type, id, permission, message: message ?? '' };
      const request = await call.changing.accessRequests.create(asked, limits);
      return { body: { access_request: ownJson(request) } };
    },

    async 'accessRequests.listOwn'(call: Call): Promise<Reply> {
      filtersOf(call, ofAccessRequests['accessRequests.listOwn'].query);
      const page = pageAskedIn(call, 'number');
      const found = await store.accessRequests.ofUser(callerOf(call).id, {
        limit: page.max + 1,
        after: afterIn(page.after),
        keepMs: limits.keepMs,
      });
      const { shown, next } = pageOf(found, page, ({ id }) => [id]);
      return { body: { access_requests: shown.map(ownJson), ...next } };
    },

    async 'accessRequests.withdraw'(call: Call): Promise<Reply> {
      const id = idIn(bodyOf(call, ofAccessRequests['accessRequests.withdraw'].body));
      if (!(await call.changing.accessRequests.withdraw(id, callerOf(call).id))) {
        throw none(id);
      }
      return DONE;
    },
  };
}

/** What whoever manages the thing does. */
function answeringHandlers(parts: AccessRequestParts) {
  const { keepMs } = parts.accessRequests;
  const answering = { ...parts, keepMs };
  return {
    async 'accessRequests.list'(call: Call): Promise<Reply> {
      const { resource_type: type, resource_id: id } = filtersOf(
        call,
        ofAccessRequests['accessRequests.list'].query,
      );
      if ((type === undefined) !== (id === undefined)) {
        throw invalid("Send 'resource_type' and 'resource_id' both, or neither.");
      }
      const page = pageAskedIn(call, 'number');
      const found = await answerableBy(answering, callerOf(call), {
        limit: page.max + 1,
        after: afterIn(page.after),
        about: type === undefined || id === undefined ? undefined : { type, id },
      });
      const { shown, next } = pageOf(found, page, ({ request }) => [request.id]);
      return { body: { access_requests: shown.map(toAnswerJson), ...next } };
    },

    async 'accessRequests.answer'(call: Call): Promise<Reply> {
      const body = bodyOf(call, ofAccessRequests['accessRequests.answer'].body);
      const caller = callerOf(call);
      const { request, thing } = await toBeAnswered(caller, idIn(body));
      const isGrant = body.decision === 'grant';
      const granted = isGrant ? permissionOn(request.type, body.permission ?? request.permission) : undefined;
      await call.changing.atOnce(async ({ accessRequests, grants }) => {
        const done = await accessRequests.answer(request.id, {
          state: isGrant ? 'granted' : 'declined',
          resourceId: request.resourceId ?? '',
          granted,
          answer: body.message ?? undefined,
          by: caller.username,
        });
        if (!done) {
          throw alreadyExists('Somebody else has answered it meanwhile, or it was withdrawn.');
        }
        if (granted !== undefined) {
          await giveAtLeast(grants, { id: request.userId }, { type: request.type, id: thing.id }, granted);
        }
      });
      return DONE;
    },
  };

  /**
   * A request that the caller may answer, with its thing.
   *
   * @throws ApiError 404 for one that there is not, or that is about what the caller does not manage; 400 for one that has its
   * answer, with who gave it.
   */
  async function toBeAnswered(caller: SignedIn, id: number): Promise<Answerable> {
    const request = await parts.store.accessRequests.get(id, keepMs);
    const found = request && (await answerable(parts, caller, request));
    if (found === 'unclear') {
      throw unavailable('The MLflow server did not say whether the thing is there. Try again.');
    }
    if (found === undefined) {
      throw none(id);
    }
    if (found.request.state !== 'open') {
      throw alreadyExists(answeredBefore(found.request));
    }
    return found;
  }
}

const needOf = (permission: 'READ' | 'EDIT'): Action =>
  permission === PERMISSION_FOR.read ? 'read' : 'update';

const answeredBefore = ({ answeredBy, state, granted }: AccessRequest): string =>
  `${answeredBy ?? 'Somebody'} has answered it already: ${state}${granted === undefined ? '' : ` ${granted}`}.`;

const none = (id: number): Error =>
  notFound(`There is no open request for access ${id} that you may answer.`);

const idIn = ({ access_request_id: id }: { readonly access_request_id?: unknown }): number =>
  integer('access_request_id', id);

const afterIn = (after: readonly (string | number)[] | undefined): number | undefined =>
  after === undefined ? undefined : Number(after[0]);

function ownJson(request: AccessRequest) {
  return {
    access_request_id: request.id,
    workspace: request.workspace,
    resource_type: request.type,
    resource_id: request.askedFor,
    permission: request.permission,
    message: request.message,
    created_at: request.createdAt,
    state: request.state,
    granted: request.granted ?? null,
    answer: request.answer ?? null,
    answered_at: request.answeredAt ?? null,
  };
}

function toAnswerJson({ request, thing }: Answerable) {
  return {
    access_request_id: request.id,
    username: request.username,
    resource_type: request.type,
    resource_id: thing.id,
    resource_name: thing.name,
    permission: request.permission,
    message: request.message,
    created_at: request.createdAt,
  };
}
