/**
 * Every error a client can see, by MLflow's own codes, so that MLflow's clients understand them.
 *
 * @see mlflow/protos/databricks.proto (`ErrorCode`) for the names.
 */
const STATUS_OF_CODE = {
  BAD_REQUEST: 400,
  INVALID_PARAMETER_VALUE: 400,
  RESOURCE_ALREADY_EXISTS: 400,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  RESOURCE_DOES_NOT_EXIST: 404,
  ENDPOINT_NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  REQUEST_LIMIT_EXCEEDED: 429,
  RESOURCE_EXHAUSTED: 429,
  INTERNAL_ERROR: 500,
  TEMPORARILY_UNAVAILABLE: 503,
  DEADLINE_EXCEEDED: 504,
} as const satisfies Record<string, number>;

export type ErrorCode = keyof typeof STATUS_OF_CODE;

export interface ApiErrorOptions {
  /** Overrides the status of the code, for the few that HTTP names better (413, 415, 431). */
  readonly status?: number;
  /** Response headers that belong to the error, such as `WWW-Authenticate` or `Retry-After`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Why, for the audit log alone; never sent to the caller. */
  readonly because?: string;
  readonly cause?: unknown;
}

/** The one error that stages throw; a single renderer turns it into an answer. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: ErrorCode;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly because: string | undefined;

  constructor(code: ErrorCode, message: string, options: ApiErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.status = options.status ?? STATUS_OF_CODE[code];
    this.headers = options.headers ?? {};
    this.because = options.because;
  }

  /** The body MLflow's clients expect. */
  toBody(): { error_code: ErrorCode; message: string } {
    return { error_code: this.code, message: this.message };
  }
}

/** 400 `INVALID_PARAMETER_VALUE`: what the caller sent cannot be read one way only, or not at all. */
export function invalid(message: string, options?: ApiErrorOptions): ApiError {
  return new ApiError('INVALID_PARAMETER_VALUE', message, options);
}

/** 400 for a parameter that was not sent, in MLflow's words. */
export function missingParameter(name: string): ApiError {
  return invalid(
    `Missing value for required parameter '${name}'. See the API docs for more information about request parameters.`,
  );
}

/** 404 `RESOURCE_DOES_NOT_EXIST`. */
export function notFound(message: string, options: ApiErrorOptions = {}): ApiError {
  return new ApiError('RESOURCE_DOES_NOT_EXIST', message, options);
}

/** 400 `RESOURCE_ALREADY_EXISTS`, MLflow's status for it. */
export function alreadyExists(message: string): ApiError {
  return new ApiError('RESOURCE_ALREADY_EXISTS', message);
}

/**
 * 403 with the sentence MLflow's clients look for, then what would help.
 *
 * @param hint - one sentence for the caller; must not tell anything the caller may not know.
 * @param because - the full reason, for the audit log.
 */
export function denied(hint: string, because: string = hint): ApiError {
  return new ApiError('PERMISSION_DENIED', `Permission denied. ${hint}`, { because });
}

/** 503: the upstream, the store or a look-up gave no answer; MLflow's client retries it. */
export function unavailable(message: string, cause?: unknown): ApiError {
  return new ApiError('TEMPORARILY_UNAVAILABLE', message, { cause, headers: { 'retry-after': '1' } });
}
