import { run } from './run.mjs';
import { giveUp } from './step.mjs';

const NAMES = ['python3', 'python', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python3.10'];
/** Debian ships Python without ensurepip, and venv fails half way. */
const PROBE = `
import sys
try:
    import ensurepip, venv
    usable = 1
except ImportError:
    usable = 0
print(sys.version_info[0], sys.version_info[1], usable)
`;

/**
 * The first Python that this MLflow runs on; ends the process with a sentence if there is none.
 *
 * @param mlflow - a row of mlflow-versions.mjs.
 * @returns the command's name.
 */
export async function findPython({ version, oldestPython, newestPython }) {
  const found = [];
  for (const name of NAMES) {
    const probed = await probe(name);
    if (probed === undefined) {
      continue;
    }
    found.push(probed);
    const fits = probed.minor >= oldestPython && probed.minor <= newestPython;
    if (fits && probed.usable) {
      return name;
    }
  }
  const wanted = `MLflow ${version} runs on Python 3.${oldestPython} to 3.${newestPython}`;
  const bare = found.find(({ minor, usable }) => !usable && minor >= oldestPython && minor <= newestPython);
  if (bare !== undefined) {
    return giveUp(
      `${bare.name} lacks its venv module; on Debian and Ubuntu install it with: apt-get install python3.${bare.minor}-venv`,
    );
  }
  if (found.length === 0) {
    return giveUp(`${wanted}, and there is no python3 on the path: install one, then start again.`);
  }
  const seen = found.map(({ name, minor }) => `${name} is 3.${minor}`).join(', ');
  return giveUp(`${wanted}, and only others are on the path (${seen}): install one, then start again.`);
}

async function probe(name) {
  try {
    const [major, minor, usable] = (await run(name, ['-c', PROBE])).trim().split(' ').map(Number);
    return major === 3 ? { name, minor, usable: usable === 1 } : undefined;
  } catch {
    return undefined;
  }
}
