/** Thrown by a stage that answers a request itself, with 200 and this body: the upstream is not asked. */
export class Answered extends Error {
  override readonly name = 'Answered';
  readonly body: unknown;
  readonly because: string;

  constructor(body: unknown, because: string) {
    super(because);
    this.body = body;
    this.because = because;
  }
}
