import type { Answer } from '../../mlflow/upstream/upstream.ts';

/** Relative: MLflow's page is where everything begins, behind whatever prefix. */
const LINE = '<script type="module" src="auth/in-mlflow.js"></script>';
const END_OF_HEAD = '</head>';

/**
 * MLflow's page with one line more, by which it loads the way to the pages of this gateway. What is not the one page that
 * is meant stays byte for byte.
 */
export function withLink(answer: Answer): Answer {
  const { headers, bytes } = answer;
  const isHtml = String(headers['content-type'] ?? '').startsWith('text/html');
  const at = bytes.indexOf(END_OF_HEAD);
  if (
    !isHtml ||
    headers['content-encoding'] !== undefined ||
    headers['content-security-policy'] !== undefined ||
    at === -1 ||
    bytes.lastIndexOf(END_OF_HEAD) !== at
  ) {
    return answer;
  }
  return { ...answer, bytes: Buffer.concat([bytes.subarray(0, at), Buffer.from(LINE), bytes.subarray(at)]) };
}
