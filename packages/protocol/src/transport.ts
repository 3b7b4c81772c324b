/** What a link needs below it: whole messages, in order, or a close. WebSocket and memory are the two kinds. */

export interface Transport {
  /** Set once, before the first message can arrive. */
  handler: TransportHandler | null;
  /** Takes the messages over (they are never touched again by the caller); `bytes` is their sum. */
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
  /** `bytes` of what was sent have left the transport's hands. */
  onSent(bytes: number): void;
  /** Exactly once, whoever closed it. */
  onClosed(code: number, reason: string): void;
}
