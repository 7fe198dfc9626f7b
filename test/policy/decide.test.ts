import { describe, expect, test } from 'vitest';
import { indexGrants } from '../../src/identity/accounts.ts';
import { decide, decideOnKind, decideOnPart, holdingOf, type Subject } from '../../src/policy/decide.ts';
import type { Grant } from '../../src/policy/grant.ts';
import type { Permission } from '../../src/policy/permissions.ts';
import type { Root } from '../../src/policy/resources.ts';

/** `experiment 7 READ` of the user itself, or `team: experiment * EDIT` of a role. */
function grantFrom(line: string): Grant {
  const [, role, resourceType = '', resourcePattern = '', permission] =
    /^(?:(\w+): )?(\S+) (.+) (\S+)$/.exec(line) ?? [];
  return {
    resourceType,
    resourcePattern,
    permission: permission as Permission,
    via: role === undefined ? 'user' : { role },
  };
}

const holderOf = (grants: readonly string[], isAdmin = false): Subject => ({
  isAdmin,
  ceiling: undefined,
  grantsOn: indexGrants(grants.map(grantFrom)).on,
});

const EXPERIMENT: Root = { kind: 'experiment', id: '7' };
const NAME = { kind: 'registered_model', id: 'n' } as const;
const MODEL: Root = { ...NAME, isPrompt: false };
const PROMPT: Root = { ...NAME, isPrompt: true };
const SCORER: Root = { kind: 'scorer', id: '7/judge' };

describe('what a user holds', () => {
  test.each<[because: string, root: Root, grants: string[], held: Permission]>([
    ['nothing granted: the default', EXPERIMENT, [], 'READ'],
    ['the highest of own and roles', EXPERIMENT, ['experiment 7 USE', 'team: experiment 7 EDIT'], 'EDIT'],
    ['a grant on all of the kind', EXPERIMENT, ['experiment * EDIT'], 'EDIT'],
    ['a grant on another', EXPERIMENT, ['experiment 8 MANAGE'], 'READ'],
    ['a refusal outweighs the rest', EXPERIMENT, ['experiment 7 MANAGE', 'team: experiment * DENY'], 'DENY'],
    [
      'so does the classic one',
      EXPERIMENT,
      ['experiment 7 NO_PERMISSIONS', 'x: experiment 7 MANAGE'],
      'NO_PERMISSIONS',
    ],
    ['who manages the workspace', EXPERIMENT, ['a: workspace * MANAGE', 'experiment 7 DENY'], 'MANAGE'],
    ['who only belongs to it', EXPERIMENT, ['a: workspace * USE'], 'READ'],
    ['a name that is a workspace is not the workspace', EXPERIMENT, ['a: workspace x MANAGE'], 'READ'],

    ['a grant on the name as a model', PROMPT, ['registered_model n EDIT'], 'EDIT'],
    ['a grant on the name as a prompt', MODEL, ['prompt n EDIT'], 'EDIT'],
    ['all models', MODEL, ['registered_model * EDIT'], 'EDIT'],
    ['all models do not open a prompt', PROMPT, ['registered_model * EDIT'], 'READ'],
    ['all prompts do not open a model', MODEL, ['prompt * EDIT'], 'READ'],
    ['nor a name that may be either', NAME, ['prompt * EDIT'], 'READ'],
    ['both do', NAME, ['prompt * EDIT', 'registered_model * USE'], 'USE'],
    ['no prompts leaves the models', MODEL, ['prompt * DENY'], 'READ'],
    ['but not what may be either', NAME, ['prompt * DENY', 'registered_model n MANAGE'], 'DENY'],

    ['its experiment’s', SCORER, ['experiment 7 EDIT'], 'EDIT'],
    ['its own beside', SCORER, ['experiment 7 EDIT', 'scorer 7/judge MANAGE'], 'MANAGE'],
    ['DENY on it', SCORER, ['experiment 7 MANAGE', 'scorer 7/judge DENY'], 'DENY'],
    ['DENY on its experiment', SCORER, ['experiment 7 DENY', 'scorer * MANAGE'], 'DENY'],
    ['that of another experiment', SCORER, ['experiment 77 MANAGE', 'scorer 7/other MANAGE'], 'READ'],
  ])('%s', (_because, root, grants, held) => {
    expect(holdingOf(holderOf(grants), root, 'READ').permission).toBe(held);
  });
});

describe('a decision', () => {
  test('lets an admin do anything', () => {
    expect(decide(holderOf(['experiment 7 DENY'], true), 'manage', EXPERIMENT, 'NO_PERMISSIONS').allow).toBe(
      true,
    );
  });

  test('says what is missing and who holds what there is', () => {
    const { allow, because } = decide(
      holderOf(['team: experiment * READ']),
      'update',
      EXPERIMENT,
      'NO_PERMISSIONS',
    );
    expect({ allow, because }).toEqual({
      allow: false,
      because: 'needs EDIT on experiment 7; role team (all of the kind) holds READ',
    });
  });
});

describe('things inside a root', () => {
  test.each<[because: string, grants: string[], action: 'read' | 'update', allow: boolean]>([
    ['are as open as it without a grant of their kind', ['experiment 7 EDIT'], 'update', true],
    ['are opened further by one', ['experiment 7 READ', 'run * EDIT'], 'update', true],
    ['are closed by one', ['experiment 7 EDIT', 'run * READ'], 'update', false],
    ['are taken away by DENY', ['experiment 7 MANAGE', 'run * DENY'], 'read', false],
    ['are not opened where it is closed', ['run * MANAGE'], 'read', false],
    ['are left by DENY on another kind', ['experiment 7 EDIT', 'trace * DENY'], 'update', true],
    ['are open to who manages the workspace', ['a: workspace * MANAGE', 'run * DENY'], 'update', true],
  ])('%s', (_because, grants, action, allow) => {
    expect(decideOnPart(holderOf(grants), action, 'run', EXPERIMENT, 'NO_PERMISSIONS').allow).toBe(allow);
  });

  test.each<[grants: string[], allow: boolean]>([
    [['experiment 7 EDIT'], true],
    [['experiment 7 EDIT', 'assessment * EDIT'], false],
    [['experiment 7 READ', 'assessment * MANAGE'], true],
    [['assessment * MANAGE'], false],
  ])('may need more of grants on all of a kind than of those on the root: %j', (grants, allow) => {
    const decision = decideOnPart(
      holderOf(grants),
      'update',
      'assessment',
      EXPERIMENT,
      'NO_PERMISSIONS',
      'delete',
    );
    expect(decision.allow).toBe(allow);
  });

  test.each<[grants: string[], isAdmin: boolean, allow: boolean]>([
    [[], false, true],
    [['run * READ'], false, true],
    [['run * DENY'], false, false],
    [['team: run * DENY', 'run * MANAGE'], false, false],
    [['run * DENY'], true, true],
    [['run * DENY', 'a: workspace * MANAGE'], false, true],
  ])('of a kind are made and listed, or not: %j, admin %s', (grants, isAdmin, allow) => {
    expect(decideOnKind(holderOf(grants, isAdmin), 'run').allow).toBe(allow);
  });
});
