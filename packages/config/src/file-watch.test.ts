import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FileWatch } from './file-watch.ts';

const POLL_MS = 1_000;

describe('who watches files', () => {
  it('looks now and then where nobody tells of changes, until it is closed', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    let looks = 0;
    const watch = new FileWatch([], POLL_MS, () => {
      looks += 1;
      return Promise.resolve();
    });
    for (const expected of [1, 2]) {
      t.mock.timers.tick(POLL_MS);
      assert.equal(looks, expected);
      await new Promise((resolve) => setImmediate(resolve));
    }
    watch.close();
    t.mock.timers.tick(POLL_MS);
    assert.equal(looks, 2);
  });

  it('looks once more behind a look that is under way, not beside it', async (t) => {
    const first = Promise.withResolvers<void>();
    let looks = 0;
    let open = 0;
    const watch = new FileWatch([], POLL_MS, async () => {
      looks += 1;
      open += 1;
      assert.equal(open, 1);
      await first.promise;
      open -= 1;
    });
    t.after(() => watch.close());
    const asked = [watch.look(), watch.look(), watch.look()];
    assert.equal(looks, 1);
    first.resolve();
    await Promise.all(asked);
    assert.equal(looks, 2);
  });
});
