import { z } from 'zod';
import { denied, invalid } from '../../errors.ts';
import { escapeHtml } from '../../escape-html.ts';
import type { Reply } from '../../reply.ts';
import { queryOf } from '../api/parameters.ts';
import { type AllowedPrograms, CODE_MS, codeFor } from '../deeds/allowed-programs.ts';
import { checkNewToken } from '../deeds/tokens.ts';
import { type Call, callerOf } from '../handler.ts';
import { formToken, formTokenProblem } from './form-token.ts';
import { page } from './page.ts';

/** Random bits in base64url. */
const opaque = z.string().regex(/^[\w-]{16,128}$/, 'it must be 16 to 128 of A-Z, a-z, 0-9, _ and -');

/**
 * A program on the machine of the browser, and nowhere else: the addresses themselves, as a name may be made to mean another
 * machine (RFC 8252, sections 7.3 and 8.3). Nothing else that listens there has a use for the path.
 */
const LOOPBACK = /^http:\/\/(?:127\.0\.0\.1|\[::1\]):[1-9]\d{0,4}\/signed-in$/;

/** What a program asks for, in the address of the page. */
const ASKED = {
  name: z.string(),
  expires_in_seconds: z
    .string()
    .regex(/^[1-9]\d{0,11}$/, 'it must be a whole number of seconds')
    .transform(Number)
    .optional(),
  code_challenge: z.string().regex(/^[\w-]{43}$/, 'it must be the SHA-256 of the verifier in base64url'),
  code_challenge_method: z.literal('S256', { error: 'it must be S256' }),
  state: opaque,
  redirect_uri: z
    .string()
    .refine((uri) => LOOPBACK.test(uri) && URL.canParse(uri), {
      error: 'it must be http://127.0.0.1:PORT/signed-in or http://[::1]:PORT/signed-in',
    })
    .optional(),
};
type Asked = z.output<z.ZodObject<typeof ASKED>>;

/** The page on which a user allows a program to sign in, which `mlflow-auth-client login` opens. */
export function programHandlers(parts: AllowedPrograms) {
  return {
    'programs.page': (call: Call): Reply => question(call, askedIn(call, parts), parts, {}),

    'programs.submit'(call: Call): Reply {
      const asked = askedIn(call, parts);
      const problem = formTokenProblem(call);
      if (problem !== undefined) {
        return { ...question(call, asked, parts, { problem, status: 400 }), because: problem };
      }
      if (call.body['answer'] !== 'yes') {
        return declined(call, asked);
      }
      const { name, expires_in_seconds, code_challenge: challenge, redirect_uri: redirectUri } = asked;
      const code = codeFor(parts, {
        ...{ sessionId: sessionIdOf(call), name, expiresInSeconds: expires_in_seconds },
        ...{ challenge, redirectUri },
      });
      return { ...allowed(call, asked, code), because: `the user allows ${JSON.stringify(name)} to sign in` };
    },
  };
}

/**
 * What a program asks for.
 *
 * @throws ApiError 400 for what no program may have, 403 where no session asks: another credential would get a token that may
 * do more than itself, or outlives it, and a page of another site would have a remembered password sent along.
 */
function askedIn(call: Call, { tokens }: AllowedPrograms): Asked {
  const asked = queryOf(call, ASKED);
  sessionIdOf(call);
  const { redirect_uri: redirectUri } = asked;
  if (redirectUri !== undefined && Number(new URL(redirectUri).port || 80) > 65_535) {
    throw invalid("Invalid value for parameter 'redirect_uri': there is no such port.");
  }
  checkNewToken({ name: asked.name, expiresInSeconds: asked.expires_in_seconds }, tokens);
  return asked;
}

function sessionIdOf(call: Call): string {
  const { kind, id } = callerOf(call).credential;
  if (kind !== 'session' || id === undefined) {
    throw denied(
      `Open this page in a browser in which you have signed in at ${call.prefix}/auth/sign-in, without a password or token of another kind.`,
      `a ${kind} allows no program to sign in`,
    );
  }
  return id;
}

interface Shown {
  readonly problem?: string;
  readonly status?: number;
}

const DAY_SECONDS = 86_400;

/** `90 days`, `1 day` or `3600 seconds`. */
function lifeText(seconds: number): string {
  const [count, unit] = seconds % DAY_SECONDS === 0 ? [seconds / DAY_SECONDS, 'day'] : [seconds, 'second'];
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}

function question(
  call: Call,
  { name, expires_in_seconds: seconds, redirect_uri: redirectUri }: Asked,
  { tokens }: AllowedPrograms,
  { problem, status = 200 }: Shown,
): Reply {
  const { prefix, ip } = call;
  const { field, cookies } = formToken(call);
  const lifeMs = checkNewToken({ name, expiresInSeconds: seconds }, tokens);
  const alert = problem === undefined ? '' : `<p role="alert">${escapeHtml(problem)}</p>\n`;
  const goesTo =
    redirectUri === undefined
      ? 'the terminal into which you copy the code that follows'
      : `a program on this computer, at ${new URL(redirectUri).host}`;
  const facts = [
    ['You are', callerOf(call).username],
    ['Its token is called', name],
    ['It ends after', lifeMs === undefined ? 'no time: it has no end' : lifeText(lifeMs / 1000)],
    ['It goes to', goesTo],
    ['Asked from', ip],
  ] as const;
  const list = facts.map(([term, text]) => `<dt>${term}</dt><dd>${escapeHtml(text)}</dd>`).join('\n');
  const content = `${alert}<p>A program asks for a token by which it may do all that you may.</p>
<dl>
${list}
</dl>
<p>Allow it only if you have just typed <code>mlflow-auth-client login</code> yourself.</p>
<form action="" method="post">
${field}
<button type="submit" name="answer" value="yes">Allow</button>
<button type="submit" name="answer" value="no" class="plain">Cancel</button>
</form>`;
  return { ...page('Let a program sign in?', content, { prefix, status }), cookies };
}

function allowed(call: Call, asked: Asked, code: string): Reply {
  if (asked.redirect_uri !== undefined) {
    return goOn(call, 'The program signs in', asked.redirect_uri, { code, state: asked.state });
  }
  const content = `<p>Copy this code into the terminal in which you typed <code>mlflow-auth-client login</code>. It counts once, for ${CODE_MS / 60_000} minutes.</p>
<p><code class="whole">${code}</code></p>
<p>Give it to nobody who asks you for it: it would sign them in as you.</p>`;
  return page('Copy the code', content, { prefix: call.prefix });
}

function declined(call: Call, { redirect_uri: redirectUri, state }: Asked): Reply {
  const title = 'Nothing was allowed';
  const reply =
    redirectUri === undefined
      ? page(title, '<p>You may close this window.</p>', { prefix: call.prefix })
      : goOn(call, title, redirectUri, { error: 'access_denied', state });
  return { ...reply, because: 'the user allows no program to sign in' };
}

/** A page that goes on to the program: a form of ours leads to no other place (form-action), nor does what it redirects to. */
function goOn(
  call: Call,
  title: string,
  redirectUri: string,
  query: Readonly<Record<string, string>>,
): Reply {
  const to = escapeHtml(`${redirectUri}?${new URLSearchParams(query)}`);
  const content = `<meta http-equiv="refresh" content="0; url=${to}">\n<p><a href="${to}">Go on to the program</a></p>`;
  return page(title, content, { prefix: call.prefix });
}
