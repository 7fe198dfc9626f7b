import { Agent, fetch as send } from 'undici';
import { isSafeAddress } from '../../config/providers.ts';

/** Longer documents are none of a provider's: keys and discovery take some kilobytes. */
const MOST_BYTES = 1024 ** 2;

/** What a provider is asked by. */
export type ProviderFetch = (url: string, options: object) => Promise<Response>;

export interface ProviderFetchOptions {
  /** PEM of the authorities that the provider is trusted by; Node's own if left out. */
  readonly ca: string | undefined;
  readonly timeoutMs: number;
}

/**
 * Makes the one way in which a provider is asked: within a time limit, by its own authorities, over TLS or on this
 * machine, and to no other place than the one that was asked for, for a redirect could lead anywhere.
 */
export function createProviderFetch({ ca, timeoutMs }: ProviderFetchOptions): {
  readonly fetch: ProviderFetch;
  close(): Promise<void>;
} {
  const dispatcher = new Agent({
    connect: { timeout: timeoutMs, ...(ca !== undefined && { ca }) },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    keepAliveTimeout: 4_000,
    maxResponseSize: MOST_BYTES,
  });
  return {
    async fetch(url, options) {
      if (!isSafeAddress(new URL(url))) {
        throw new Error(`${url} is neither https nor on this machine`);
      }
      // The same by the Fetch standard; the types of undici and of Node.js name its parts apart.
      const answer = await send(url, { ...options, redirect: 'manual', dispatcher } as Parameters<
        typeof send
      >[1]);
      return limited(answer as unknown as Response);
    },
    close: () => dispatcher.close(),
  };
}

/** The dispatcher counts bytes as they are sent: some kilobytes may unpack to gigabytes. */
function limited(answer: Response): Response {
  const { body, status, headers } = answer;
  if (body === null) {
    return answer;
  }
  let bytes = 0;
  const counted = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      bytes += chunk.byteLength;
      if (bytes > MOST_BYTES) {
        throw new Error('the provider answers more than it may');
      }
      controller.enqueue(chunk);
    },
  });
  return new Response(body.pipeThrough(counted), { status, headers });
}
