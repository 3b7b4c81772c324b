/** A backend transport in the test's hands: what was asked of it is kept, what it answers the test says. */
import { StreamCode } from '@sallyport/protocol';
import type { BackendCall, BackendHandler, BackendRequest, BackendTransport } from '../backend/transport.ts';

export class FakeCall implements BackendCall {
  readonly request: BackendRequest;
  readonly handler: BackendHandler;
  readonly written: Buffer[] = [];
  isEnded = false;
  trailers: readonly string[] = [];
  isCancelled = false;
  resumed = 0;

  constructor(request: BackendRequest, handler: BackendHandler) {
    this.request = request;
    this.handler = handler;
  }

  get body(): string {
    return Buffer.concat(this.written).toString();
  }

  write(chunk: Buffer): void {
    this.written.push(Buffer.from(chunk));
  }

  end(trailers: readonly string[]): void {
    this.isEnded = true;
    this.trailers = trailers;
  }

  resume(): void {
    this.resumed += 1;
  }

  cancel(): void {
    this.isCancelled = true;
  }

  // ---- what a test lets it say

  answers(status: number, ...fields: string[]): void {
    this.handler.onAnswer(status, 'Reason', fields);
  }

  says(text: string): boolean {
    return this.handler.onAnswerData(Buffer.from(text));
  }

  ends(...trailers: string[]): void {
    this.handler.onAnswerEnd(trailers);
  }

  fails(code: StreamCode, isStarted = true): void {
    this.handler.onFailure(code, isStarted, new Error(`code ${code}`));
  }
}

export class FakeBackend implements BackendTransport {
  readonly calls: FakeCall[] = [];
  /** Every call fails within `start`. */
  isBroken = false;

  get call(): FakeCall {
    const call = this.calls.at(-1);
    if (call === undefined) throw new Error('the backend was not asked');
    return call;
  }

  start(request: BackendRequest, handler: BackendHandler): FakeCall {
    const call = new FakeCall(request, handler);
    this.calls.push(call);
    if (this.isBroken) call.fails(StreamCode.BAD_HEAD, false);
    return call;
  }

  configure(): void {}

  close(): Promise<void> {
    return Promise.resolve();
  }
}
