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
  const greeting = repeatedly(() => {
    look().then(
      (found) => {
        const now = JSON.stringify(found);
        if (now !== said) {
          greet(found, log);
        }
        said = now;
        if (found.problems.length === 0) {
          greeting.stop();
        }
      },
      (error: unknown) => log.warn({ err: error }, 'the upstream does not answer yet'),
    );
  });
  return greeting;
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
