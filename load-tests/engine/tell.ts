import type { FromGenerator } from './messages.ts';

/**
 * Says something to the process that started this one; resolves once it is written, or nobody listens any more. Whoever
 * closes the channel must wait for that: what is still on its way then is lost.
 */
export function tell(message: FromGenerator): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) resolve();
    else process.send(message, undefined, undefined, () => resolve());
  });
}
