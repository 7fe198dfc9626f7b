/** Compiles src to dist, unless dist is made of exactly these sources. */
export function ensureBuild(): Promise<void>;
