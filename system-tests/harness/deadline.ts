/** Nothing in these tests waits for ever, and what did not happen is named. */

/**
 * The ceiling on every wait for an event, on a machine that others hold up for seconds; how fast things are is the
 * benchmarks' question.
 */
export const CEILING_MS = 30_000;
const POLL_MS = 20;

/** `promise`, or an error that says what was waited for. */
export async function within<Value>(
  promise: Promise<Value>,
  what: string | (() => string),
  limitMs: number = CEILING_MS,
): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`waited ${limitMs} ms for ${typeof what === 'string' ? what : what()}`));
    }, limitMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Asks until `find` gives something other than undefined: for what has no event, such as another process's metrics. */
export async function eventually<Value>(
  find: () => Promise<Value | undefined>,
  what: string | (() => string),
  limitMs: number = CEILING_MS,
): Promise<Value> {
  const deadlineMs = performance.now() + limitMs;
  for (;;) {
    const found = await find();
    if (found !== undefined) return found;
    if (performance.now() > deadlineMs) {
      throw new Error(`waited ${limitMs} ms for ${typeof what === 'string' ? what : what()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
