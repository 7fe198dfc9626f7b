/** Why a command ended: 1, the server or the network said no; 2, the command was not usable as typed. */
export type FailureExitCode = 1 | 2;

/** An end that is explained in one line on standard error, without a stack. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
  readonly exitCode: FailureExitCode;

  constructor(exitCode: FailureExitCode, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Exit code 1: the server or the network said no. */
export function refused(message: string): CommandFailure {
  return new CommandFailure(1, message);
}

/** Exit code 2: something is missing or wrong in what was typed or set. */
export function unusable(message: string): CommandFailure {
  return new CommandFailure(2, message);
}
