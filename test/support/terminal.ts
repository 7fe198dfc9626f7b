import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { NEWEST, pythonOf } from './mlflow.ts';

/** Runs a program on a pseudo-terminal, types along a dialogue, prints the exit code and the screen as JSON. */
const TERMINAL = `
import json, os, pty, sys
dialogue, command = json.loads(sys.argv[1]), sys.argv[2:]
child, terminal = pty.fork()
if child == 0:
    os.execvp(command[0], command)
shown = ""
while True:
    try:
        data = os.read(terminal, 4096)
    except OSError:
        break
    if not data:
        break
    shown += data.decode()
    if dialogue and shown.endswith(dialogue[0][0]):
        os.write(terminal, dialogue.pop(0)[1].encode())
print(json.dumps({"code": os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), "shown": shown}))
`;

/**
 * Runs a command on a terminal and types each answer as its question shows up.
 *
 * @returns the exit code, and all that the terminal showed.
 */
export async function typeOnTerminal(
  command: readonly string[],
  dialogue: readonly (readonly [question: string, typed: string])[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<{ readonly code: number; readonly shown: string }> {
  const { stdout } = await promisify(execFile)(
    pythonOf(NEWEST),
    ['-c', TERMINAL, JSON.stringify(dialogue), ...command],
    { env, timeout: 20_000 },
  );
  return JSON.parse(stdout);
}
