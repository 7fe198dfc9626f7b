import { spawn } from 'node:child_process';

const TAIL_LINES = 20;

/** A command that failed, with the last lines it printed. */
export class CommandError extends Error {
  constructor(message, tail) {
    super(message);
    this.tail = tail;
  }
}

/**
 * Runs a command to its end and hands each line it prints to `onLine`.
 *
 * @returns what it printed, both streams as they came.
 */
export function run(command, args, { cwd, env, onLine = () => {} } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let printed = '';
    let partial = '';
    const take = (chunk) => {
      printed += chunk;
      const lines = (partial + chunk).split(/[\r\n]+/);
      partial = lines.pop();
      for (const line of lines) {
        if (line.trim() !== '') {
          onLine(line.trim());
        }
      }
    };
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', take);
    }
    child.on('error', (error) => reject(new CommandError(error.message, [])));
    child.on('close', (code, signal) => {
      if (code === 0) {
        return resolve(printed);
      }
      const lines = printed.split(/[\r\n]+/).filter((line) => line.trim() !== '');
      const message = `${[command, ...args].join(' ')} ended with ${signal || `exit code ${code}`}`;
      reject(new CommandError(message, lines.slice(-TAIL_LINES)));
    });
  });
}
