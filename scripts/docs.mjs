// Writes the pages that are generated from the source; run by `npm run docs` on the pinned Node, which reads TypeScript.
import { writeFileSync } from 'node:fs';
import { renderReference } from '../src/config/reference.ts';
import { renderRoutes } from '../src/mlflow/table/routes-page.ts';
import { SECTIONS } from '../src/routes.ts';

writeFileSync(new URL('../config/reference.ini', import.meta.url), renderReference());
writeFileSync(new URL('../docs/routes.md', import.meta.url), renderRoutes(SECTIONS));
