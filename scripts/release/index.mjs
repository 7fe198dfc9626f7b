// `npm run release -- DIR`: everything that people install, in one new folder, with its checksums. It publishes nothing.
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { buildChart } from './chart.mjs';
import { packNpm } from './npm.mjs';
import { manifest, REPOSITORY, run } from './stage.mjs';
import { buildClientWheel, buildWheel } from './wheel.mjs';

const out = resolve(process.argv[2] ?? `release/${manifest.version}`);
const python = process.env.PYTHON ?? 'python3';

mkdirSync(out, { recursive: true });
if (readdirSync(out).length > 0) {
  console.error(`${out} holds something already: name a new folder, npm run release -- DIR`);
  process.exit(1);
}
run('npm', ['run', 'build']);
packNpm(out);
buildWheel(python, out);
buildClientWheel(python, out);
buildChart(out);
cpSync(
  join(REPOSITORY, 'deploy/systemd/mlflow-auth-gateway.service'),
  join(out, 'mlflow-auth-gateway.service'),
);

const files = readdirSync(out).toSorted();
const sums = files.map((name) => {
  const sum = createHash('sha256')
    .update(readFileSync(join(out, name)))
    .digest('hex');
  return `${sum}  ${name}\n`;
});
writeFileSync(join(out, 'SHA256SUMS'), sums.join(''));
console.log(`${out}:\n${files.map((name) => `  ${name}`).join('\n')}`);
