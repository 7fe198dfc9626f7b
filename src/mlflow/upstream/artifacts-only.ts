import type { Answer } from './upstream.ts';

/** Whether an MLflow that keeps files alone, and no experiments, has said so in place of an answer. */
export function isArtifactsOnly({ status, bytes }: Pick<Answer, 'status' | 'bytes'>): boolean {
  return status === 503 && bytes.toString('utf8').includes('--artifacts-only');
}
