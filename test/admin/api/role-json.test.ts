import { describe, expect, test } from 'vitest';
import { flatPermissions, roleJson } from '../../../src/admin/api/role-json.ts';
import { ownRole } from '../../../src/admin/deeds/own-role.ts';

const GRANT = {
  id: 9,
  resourceType: 'experiment',
  resourcePattern: '1',
  permission: 'READ',
  via: 'user',
} as const;

describe('the role of a user’s own grants', () => {
  test('is shown as MLflow shows it, under an id that no real role has', () => {
    const role = ownRole({ id: 3 }, [GRANT]);
    expect(role && roleJson(role)).toEqual({
      id: -3,
      name: '__user_3__',
      workspace: 'default',
      description: null,
      permissions: [
        { id: 9, role_id: -3, resource_type: 'experiment', resource_pattern: '1', permission: 'READ' },
      ],
    });
  });

  test('is not there without grants', () => {
    expect(ownRole({ id: 3 }, [])).toBeUndefined();
  });
});

test('a flat list says which role each grant comes from', () => {
  const role = ownRole({ id: 3 }, [GRANT]);
  expect(flatPermissions(role === undefined ? [] : [role])).toEqual([
    {
      role_id: -3,
      role_name: '__user_3__',
      workspace: 'default',
      resource_type: 'experiment',
      resource_pattern: '1',
      permission: 'READ',
    },
  ]);
});
