import type { FastifyBaseLogger } from 'fastify';
import type { Survey } from './mlflow/survey.ts';
import { describeCoverage } from './mlflow/table/coverage.ts';

/** Something that is done now and again. */
export interface Repeated {
  stop(): void;
}

const ASK_AGAIN_MS = 30_000;

/** Does something now, and from then on every half minute. */
export function repeatedly(work: () => void, everyMs = ASK_AGAIN_MS): Repeated {
  work();
  const timer = setInterval(work, everyMs);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}

/**
 * Says in the log what is found at the upstream, once it answers: gateway and MLflow often start together, the gateway
 * faster. What keeps users from working is looked at again until it is mended, and said again when it is another.
 */
export function greetOnceThere(look: () => Promise<Survey>, log: FastifyBaseLogger): Repeated {
  let said: string | undefined;
  let silence: string | undefined;
  const greeting = repeatedly(() => {
    look().then(
      (found) => {
        const now = JSON.stringify(found);
        if (now !== said) {
          greet(found, log);
        }
        said = now;
        silence = undefined;
        if (found.problems.length === 0) {
          greeting.stop();
        }
      },
      (error: unknown) => {
        const because = reasonOf(error);
        if (because !== silence) {
          log.warn({ because }, 'the upstream does not answer yet');
        }
        silence = because;
      },
    );
  });
  return greeting;
}

/** Why something failed, in one line: what lies underneath says most, and a stack nothing. */
export function reasonOf(error: unknown): string {
  const { cause = error } = error instanceof Error ? error : { cause: error };
  if (!(cause instanceof Error)) {
    return String(error instanceof Error ? error.message : error);
  }
  return cause.message || String((cause as NodeJS.ErrnoException).code ?? cause.name);
}

function greet({ version, coverage, problems, notes }: Survey, log: FastifyBaseLogger): void {
  if (coverage !== undefined) {
    const covered = coverage.is === 'covered' || coverage.is === 'between';
    log[covered ? 'info' : 'warn'](
      { version, coverage: describeCoverage(coverage) },
      'the upstream is MLflow',
    );
  }
  for (const problem of problems) {
    log.warn(problem);
  }
  for (const note of notes) {
    log.info(note);
  }
}
