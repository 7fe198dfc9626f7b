import { describe, expect, test } from 'vitest';
import { patternProblem, permissionProblem, typeProblem } from '../../src/policy/grantable.ts';
import { NEWEST, runPython } from '../support/mlflow.ts';

const TYPES = ['experiment', 'prompt', 'scorer', 'workspace', 'skill', 'run', 'scorer_version', 'user', ''];
const PERMISSIONS = ['READ', 'USE', 'EDIT', 'MANAGE', 'DENY', 'NO_PERMISSIONS', 'read', ''];

describe('what can be granted', () => {
  test('is what MLflow says, word for word', async () => {
    const printed = await runPython(
      NEWEST,
      `
import json
from mlflow import MlflowException
from mlflow.server.auth import permissions as p
def problem(check, *values):
    try:
        check(*values)
    except MlflowException as error:
        return error.message
types, permissions = ${JSON.stringify(TYPES)}, ${JSON.stringify(PERMISSIONS)}
print(json.dumps({
  "types": [problem(p._validate_resource_type, t) for t in types],
  "patterns": [problem(p._validate_resource_pattern, x, t) for t in types for x in ("*", "1")],
  "permissions": [problem(p._validate_permission_for_resource_type, x, t) for t in types for x in permissions],
}))`,
    );
    const none = <T>(problem: T | undefined): T | null => problem ?? null;
    expect({
      types: TYPES.map((type) => none(typeProblem(type))),
      patterns: TYPES.flatMap((type) => ['*', '1'].map((pattern) => none(patternProblem(type, pattern)))),
      permissions: TYPES.flatMap((type) => PERMISSIONS.map((name) => none(permissionProblem(name, type)))),
    }).toEqual(JSON.parse(printed));
  });
});
