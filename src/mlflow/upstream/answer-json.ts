import type { Answer } from './upstream.ts';

/** The body of an answer as JSON; undefined if it is none. */
export function replyJson(answer: Answer): unknown {
  try {
    return JSON.parse(answer.bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

/** An answer with another JSON body. */
export function withBody(answer: Answer, body: unknown): Answer {
  return { ...answer, bytes: Buffer.from(JSON.stringify(body)) };
}
