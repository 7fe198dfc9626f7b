import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';

/** Where the Python package behind `get_app_client("mlflow-auth")` lies. */
export const PYTHON_PACKAGE = resolve(import.meta.dirname, '../../clients/python');

/**
 * Makes the package importable with its entry points, as if it had been installed, and leaves every virtual environment
 * as it is.
 */
export function offerPythonPackage(): { readonly env: { readonly PYTHONPATH: string }; remove(): void } {
  const metadata = mkdtempSync(join(tmpdir(), 'python-package-'));
  describePackage(metadata);
  return {
    env: { PYTHONPATH: [join(PYTHON_PACKAGE, 'src'), metadata].join(delimiter) },
    remove: () => rmSync(metadata, { recursive: true }),
  };
}

/** Writes what `pip install` would: the name, the version and the entry points, out of pyproject.toml. */
function describePackage(dir: string): void {
  const project = readFileSync(join(PYTHON_PACKAGE, 'pyproject.toml'), 'utf8');
  const value = (key: string) => new RegExp(`^${key} = "(.*)"$`, 'm').exec(project)?.[1] ?? '';
  const [name, version] = [value('name'), value('version')];
  const points = [...project.matchAll(/^\[project\.entry-points\."(.+)"\]\n((?:.+ = ".+"\n)+)/gm)].map(
    ([, group, entries = '']) => `[${group}]\n${entries.replaceAll('"', '')}`,
  );
  const info = join(dir, `${name.replaceAll('-', '_')}-${version}.dist-info`);
  mkdirSync(info);
  writeFileSync(join(info, 'METADATA'), `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n`);
  writeFileSync(join(info, 'entry_points.txt'), points.join('\n'));
}
