import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import table from '../../../src/mlflow/read/fields.generated.json' with { type: 'json' };
import { isOracleMissing, ORACLE_VERSIONS, pythonOf } from '../../support/oracle.ts';

/** The table as the scripts make it from one installed version. */
function generate(version: string): typeof table {
  const directory = mkdtempSync(join(tmpdir(), 'fields-'));
  try {
    const dump = join(directory, 'dump.json');
    const out = join(directory, 'fields.json');
    execFileSync(pythonOf(version), ['scripts/dump_routes.py', dump], { stdio: 'pipe', timeout: 60_000 });
    execFileSync(process.execPath, ['scripts/generate-fields.mjs', '--out', out, dump], { timeout: 20_000 });
    return JSON.parse(readFileSync(out, 'utf8'));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

describe.each(ORACLE_VERSIONS)('MLflow %s', (version) => {
  test.skipIf(isOracleMissing(version))('is what the generated table says it is', { timeout: 90_000 }, () => {
    const { routes, operations, messages, enums } = generate(version);
    expect(table.routes[version]).toEqual(Object.values(routes)[0]);
    expect(table.operations).toMatchObject(operations);
    expect(table.messages).toMatchObject(messages);
    expect(table.enums).toMatchObject(enums);
  });
});
