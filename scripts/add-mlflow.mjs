#!/usr/bin/env node
/**
 * Adds a version of MLflow to src/mlflow/read/fields.generated.json, or puts it in again, and prints what differs from
 * the version below it:
 *
 *     node scripts/add-mlflow.mjs DUMP.json …       the output of scripts/dump_routes.py
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { compareVersions, differences, factsOf, fold, print, unfold } from './lib/mlflow-facts.mjs';

const TABLE = fileURLToPath(new URL('../src/mlflow/read/fields.generated.json', import.meta.url));

for (const file of process.argv.slice(2)) {
  const facts = factsOf(JSON.parse(readFileSync(file, 'utf8')));
  const table = JSON.parse(readFileSync(TABLE, 'utf8'));
  const others = table.versions
    .filter((version) => version !== facts.version)
    .map((version) => unfold(table, version));
  const below = others.findLast(({ version }) => compareVersions(version, facts.version) < 0);
  writeFileSync(TABLE, print(fold([...others, facts])));
  console.log(`MLflow ${facts.version}${below === undefined ? '' : `, against ${below.version}`}`);
  for (const line of below === undefined ? [] : differences(below, facts)) {
    console.log(`  ${line}`);
  }
}
