import type { Answer } from '../../mlflow/upstream/upstream.ts';

/** Relative: MLflow's page is where everything begins, behind whatever prefix. */
const LINE = '<script type="module" src="auth/in-mlflow.js"></script>';
const END_OF_HEAD = '</head>';

/**
 * MLflow's page with one line more, by which it loads the way to the pages of this gateway. What is not the one page that
 * is meant stays byte for byte.
 *
 * @param known - `If-None-Match` of the request: what its browser has of the page.
 */
export function withLink(answer: Answer, known: string | undefined): Answer {
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
  const { etag, 'last-modified': _, ...rest } = headers;
  const own = ownTag(etag);
  const told = { ...rest, ...(own !== undefined && { etag: own }) };
  if (own !== undefined && known?.includes(own) === true) {
    return { status: 304, headers: told, bytes: Buffer.alloc(0) };
  }
  const linked = Buffer.concat([bytes.subarray(0, at), Buffer.from(LINE), bytes.subarray(at)]);
  return { status: answer.status, headers: told, bytes: linked };
}

/**
 * A mark of its own: browsers that keep the page as MLflow gave it load it once more. A moment of change would tell them
 * apart by nothing (RFC 9110, section 8.8).
 */
function ownTag(etag: Answer['headers'][string]): string | undefined {
  return typeof etag === 'string' && etag.endsWith('"') ? `${etag.slice(0, -1)}-linked"` : undefined;
}
