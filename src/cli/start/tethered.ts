import { type ChildProcess, spawn } from 'node:child_process';

/**
 * Ends the whole process group once its standard input closes, which happens however this process dies: an MLflow
 * left running would hold the data and the socket for ever.
 */
const TETHER = `
import os, signal, subprocess, sys, threading, time
signal.signal(signal.SIGTERM, lambda *_: None)
child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
cut = threading.Event()
def watch():
    while os.read(0, 4096):
        pass
    cut.set()
    os.killpg(0, signal.SIGTERM)
    time.sleep(5)
    os.killpg(0, signal.SIGKILL)
threading.Thread(target=watch, daemon=True).start()
code = child.wait()
if cut.is_set():
    os.killpg(0, signal.SIGKILL)
sys.exit(code if code >= 0 else 128 - code)
`;

export interface TetheredCommand {
  readonly python: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** File descriptor that takes what the command prints. */
  readonly output: number;
}

/** Runs a Python command in a process group of its own that cannot outlive this process. */
export function spawnTethered({ python, args, cwd, env, output }: TetheredCommand): ChildProcess {
  return spawn(python, ['-c', TETHER, python, ...args], {
    cwd,
    env,
    detached: true,
    stdio: ['pipe', output, output],
  });
}

/**
 * Ends the group of a tethered command: politely, and by force after `graceMs`.
 *
 * @returns once its leader is gone.
 */
export async function endTethered(child: ChildProcess, graceMs: number): Promise<void> {
  const { pid } = child;
  if (pid === undefined) {
    return;
  }
  if (child.exitCode === null && child.signalCode === null) {
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    signalGroup(pid, 'SIGTERM');
    const force = setTimeout(() => signalGroup(pid, 'SIGKILL'), graceMs);
    await gone;
    clearTimeout(force);
  }
  signalGroup(pid, 'SIGKILL');
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // ESRCH: no process of the group is left, which is what was wanted.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) {
      throw error;
    }
  }
}
