import type { Dispatcher } from 'undici';

/** Told when the upstream begins an answer, or fails to, and how many seconds after the request that was. */
export type Answered = (seconds: number, answered: boolean) => void;

/** Times each request from the moment that it is to be sent to the head of its answer. */
export function timed(answered: Answered): Dispatcher.DispatchInterceptor {
  return (dispatch) => (options, handler) => dispatch(options, new TimedHandler(handler, answered));
}

/** Hands everything on. A request is counted once: an answer that breaks off later was an answer. */
class TimedHandler implements Dispatcher.DispatchHandler {
  readonly #handler: Dispatcher.DispatchHandler;
  readonly #answered: Answered;
  readonly #startedAt = performance.now();
  #controller: Dispatcher.DispatchController | undefined;
  #counted = false;

  constructor(handler: Dispatcher.DispatchHandler, answered: Answered) {
    this.#handler = handler;
    this.#answered = answered;
  }

  onRequestStart(controller: Dispatcher.DispatchController, context: unknown): void {
    this.#controller = controller;
    this.#handler.onRequestStart?.(controller, context);
  }

  onBodySent(chunk: Buffer): void {
    this.#handler.onBodySent?.(chunk);
  }

  onRequestSent(): void {
    this.#handler.onRequestSent?.();
  }

  onResponseStarted(): void {
    this.#handler.onResponseStarted?.();
  }

  onResponseStart(...args: Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>): void {
    const [, status] = args;
    // 1xx comes before the answer (RFC 9110, section 15.2).
    if (status >= 200) {
      this.#count(true);
    }
    this.#handler.onResponseStart?.(...args);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#handler.onResponseData?.(controller, chunk);
  }

  onResponseEnd(...args: Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseEnd']>>): void {
    this.#handler.onResponseEnd?.(...args);
  }

  onResponseError(controller: Dispatcher.DispatchController, error: Error): void {
    // A caller who gave it up has no complaint about the upstream.
    if (this.#controller?.aborted !== true) {
      this.#count(false);
    }
    this.#handler.onResponseError?.(controller, error);
  }

  #count(answered: boolean): void {
    if (!this.#counted) {
      this.#counted = true;
      this.#answered((performance.now() - this.#startedAt) / 1000, answered);
    }
  }
}
