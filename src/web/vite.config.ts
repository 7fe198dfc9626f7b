import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';
import { CONTRACT } from '../admin/contract/index.ts';
import { OWN_SECTIONS } from '../admin/routes.ts';
import { expandPath } from '../mlflow/table/match.ts';

const OPERATIONS = 'virtual:operations';

/** Tells the pages where each operation is, from the table that the gateway itself routes by. */
function operations(): Plugin {
  const resolved = `\0${OPERATIONS}`;
  return {
    name: 'operations',
    resolveId: (id) => (id === OPERATIONS ? resolved : undefined),
    load: (id) =>
      id === resolved ? `export const OPERATIONS = ${JSON.stringify(operationsOfPages())};` : undefined,
  };
}

/** Under `/ajax-api`, where there is a choice: a page's calls are told from a program's by it. */
function operationsOfPages() {
  const found = Object.values(OWN_SECTIONS)
    .flat()
    .flatMap(([method, path, , , ...rules]) => {
      const paths = expandPath(path);
      const forPages = paths.find((each) => each.startsWith('/ajax-api/')) ?? paths[0];
      return rules.flatMap((rule) =>
        rule.rule === 'serve' && rule.handler in CONTRACT ? [[rule.handler, [method, forPages]]] : [],
      );
    });
  return Object.fromEntries(found);
}

const HERE = fileURLToPath(new URL('.', import.meta.url));
const SOURCES = fileURLToPath(new URL('..', import.meta.url));

/** Code of the server that the pages share: it imports nothing, so that nothing else of the server comes along. */
const SHARED = fileURLToPath(new URL('../policy/own-role.ts', import.meta.url));

/** Types of the server are welcome in the pages, and gone when they are built; other code of it is not. */
function noServerCode(): Plugin {
  return {
    name: 'no-server-code',
    transform(_code, id) {
      if (id.startsWith(SOURCES) && !id.startsWith(HERE) && id !== SHARED) {
        this.error(`The pages import code of the server: ${id}`);
      }
    },
  };
}

export default defineConfig({
  root: HERE,
  // The gateway puts the path in front, which only it knows.
  base: './',
  logLevel: 'warn',
  plugins: [operations(), noServerCode()],
  build: {
    outDir: fileURLToPath(new URL('../../dist/web', import.meta.url)),
    emptyOutDir: true,
    assetsDir: 'assets',
    // Inlined files would ask the policy for more than its own origin.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2023',
    license: { fileName: 'licenses.md' },
    rolldownOptions: {
      // Marks of frameworks that render on a server, of which there is none here.
      onwarn: (warning, show) => warning.code === 'MODULE_LEVEL_DIRECTIVE' || show(warning),
      // What MLflow's page names has a name that stays.
      output: {
        entryFileNames: ({ name }) => (name === 'in-mlflow' ? 'in-mlflow.js' : 'assets/[name]-[hash].js'),
      },
      input: {
        index: fileURLToPath(new URL('index.html', import.meta.url)),
        'in-mlflow': fileURLToPath(new URL('in-mlflow.ts', import.meta.url)),
      },
    },
  },
});
