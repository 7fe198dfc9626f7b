import type { FastifyBaseLogger } from 'fastify';
import { type Changing, changingBy, type ReadsForChanging } from '../../audit/changing.ts';
import { recordUnattended } from '../../audit/unattended.ts';
import { ApiError, denied } from '../../errors.ts';
import type { Provided } from '../../identity/oidc/provided.ts';
import type { Refused } from '../../identity/principal.ts';
import type { Identity } from '../../store/identities.ts';
import type { Subject } from '../../store/types.ts';
import { NO_PASSWORD } from '../../store/types.ts';
import { roleNameProblem } from './roles.ts';
import { checkUsername } from './users.ts';

export interface ProviderUsersOptions {
  readonly store: ReadsForChanging;
  readonly log: Pick<FastifyBaseLogger, 'warn'>;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

/** What the steps of one sign-in share. */
interface SigningIn extends ProviderUsersOptions {
  /** Groups that are no roles here, each said once. */
  readonly said: Set<string>;
}

/**
 * Finds the user whom a provider means, or makes one, and has them in the groups that it says.
 *
 * @returns a verb that answers the user's name, or why they may not come in, with what would help.
 */
export function createProviderUsers(
  options: ProviderUsersOptions,
): (provided: Provided) => Promise<string | Refused> {
  const parts: SigningIn = { ...options, said: new Set() };
  return async (provided) => {
    const { provider, groups } = provided;
    if (groups === undefined) {
      return overage(provided);
    }
    const allowed = provider.allowed_groups;
    if (allowed !== undefined && !groups.some((group) => allowed.includes(group))) {
      return refused(
        provided,
        `You are in none of the groups of ${provider.name} that may sign in. Ask an admin for one of them.`,
        'in none of allowed_groups',
      );
    }
    const identity = (await parts.store.identities.get(provided)) ?? (await meet(parts, provided));
    if ('refused' in identity) {
      return identity;
    }
    await follow(parts, identity, provided, groups);
    return identity.username;
  };
}

/** Makes the user of somebody who comes for the first time. */
async function meet(parts: SigningIn, provided: Provided): Promise<Identity | Refused> {
  const { provider, username } = provided;
  if (!provider.create_users) {
    return refused(
      provided,
      `There is no user for you here yet. ${howToLink(provided)}`,
      'create_users is false',
    );
  }
  if (username === undefined) {
    return refused(
      provided,
      `The provider ${provider.name} tells no name for you. Ask an admin to have it tell ${provider.username_claim}, verified if it is an email, or to name another claim in username_claim.`,
      `no ${provider.username_claim}`,
    );
  }
  let problem: ApiError | undefined;
  try {
    checkUsername(username);
    await changing(parts, username, provided).atOnce((each) => bring(each, username, provided));
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 400) {
      throw error;
    }
    problem = error;
  }
  // Another request may have brought the same user meanwhile.
  const identity = await parts.store.identities.get(provided);
  return identity ?? cannotBring(provided, username, problem);
}

async function bring(by: Changing, username: string, { issuer, subject }: Subject): Promise<void> {
  const user = await by.users.create({ username, passwordHash: NO_PASSWORD, isAdmin: false });
  await by.identities.link({ issuer, subject, userId: user.id, isBrought: true });
}

async function follow(
  parts: SigningIn,
  identity: Identity,
  provided: Provided,
  groups: readonly string[],
): Promise<void> {
  const { provider, asOf, until } = provided;
  const usable = groups.filter((group) => roleNameProblem(group) === undefined);
  const by = changing(parts, identity.username, provided);
  // As one: what an older token says after this is of no account for the flag either.
  const followed = await by.atOnce(async ({ identities, users }) => {
    const changed = await identities.followGroups(identity, { groups: usable, asOf, until });
    if (changed !== undefined && provider.admin_group !== undefined && identity.isBrought) {
      await setAdmin(parts, users, identity, { provider, isAdmin: groups.includes(provider.admin_group) });
    }
    return changed;
  });
  if (followed === undefined) {
    return;
  }
  for (const group of [...followed.taken, ...groups.filter((each) => !usable.includes(each))]) {
    sayOnce(parts, provided, group);
  }
}

async function setAdmin(
  { log }: SigningIn,
  users: Changing['users'],
  { userId, username }: Identity,
  { provider, isAdmin }: Pick<Provided, 'provider'> & { readonly isAdmin: boolean },
): Promise<void> {
  const user = await users.getById(userId);
  if (user === undefined || user.isAdmin === isAdmin) {
    return;
  }
  try {
    await users.setAdmin(userId, isAdmin);
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 400) {
      throw error;
    }
    log.warn(
      { user: username, provider: provider.name },
      'the last admin stays one without being in admin_group',
    );
  }
}

function sayOnce({ said, log }: SigningIn, { provider, issuer }: Provided, group: string): void {
  const key = JSON.stringify([issuer, group]);
  if (!said.has(key) && said.size < MOST_SAID) {
    said.add(key);
    log.warn(
      { provider: provider.name, group: group.slice(0, 255) },
      'a group of the provider is no role: another role has its name, or no role can have it',
    );
  }
}

/** What changes is written to the audit log as what the provider says. */
function changing({ store, clock }: SigningIn, username: string, { provider }: Provided): Changing {
  const record = recordUnattended({
    operation: 'sign in by a provider',
    because: `what the provider ${provider.name} says`,
    username,
    clock,
  });
  return changingBy(store, record);
}

/** Enough for a log; what groups are called is of others' choosing. */
const MOST_SAID = 10_000;

function refused({ provider, username }: Provided, told: string, because: string): Refused {
  const reason = `${provider.name}: ${because}`;
  return {
    refused: reason,
    ...(username !== undefined && { triedAs: username }),
    error: denied(told, reason),
  };
}

/** The subject is the caller's own: it is told so that an admin can be asked. */
function howToLink({ provider, subject }: Provided): string {
  return `Ask an admin to link one: mlflow-auth-client link-user USERNAME ${provider.name} ${JSON.stringify(subject.slice(0, 255))}.`;
}

function cannotBring(provided: Provided, username: string, error: ApiError | undefined): Refused {
  return error?.code === 'RESOURCE_ALREADY_EXISTS'
    ? refused(
        provided,
        `Another user is called ${username} here already. ${howToLink(provided)}`,
        'the name is that of another user',
      )
    : refused(
        provided,
        `No user can be called as ${provided.provider.name} calls you: ${error?.message} ${howToLink(provided)}`,
        'the name is none for a user',
      );
}

const overage = (provided: Provided): Refused =>
  refused(
    provided,
    `You are in more groups than ${provided.provider.name} tells. Ask an admin to have it tell those alone that are assigned to this application.`,
    'it leaves groups out',
  );
