/** What a link needs below it: whole messages, in order, or a close. WebSocket and memory are the two kinds. */

export interface Transport {
  /** After `onSent` nobody reads the bytes any more, so that their memory may be written again. Unset: not so. */
  readonly isDoneWhenSent?: boolean;
  /** Set once, before the first message can arrive. */
  handler: TransportHandler | null;
  /** Takes the messages over (the caller does not touch them, with `isDoneWhenSent` until `onSent`); `bytes`: their sum. */
  send(messages: Buffer[], bytes: number): void;
  /** Sends what it holds, then closes with a code and a reason of at most 123 bytes. */
  close(code: number, reason: string): void;
  /** Gone at once, without a word. */
  destroy(): void;
}

export interface TransportHandler {
  onMessage(message: Buffer): void;
  /** A message that is not binary. */
  onText(): void;
  /** Somebody on the way to the peer is about to stop. */
  onLeaving(): void;
  /** `bytes` of what was sent have left the transport's hands. */
  onSent(bytes: number): void;
  /** At most once: the other side closed it, or the connection is lost. After a `close` or `destroy` of ours it may come or not. */
  onClosed(code: number, reason: string): void;
}
