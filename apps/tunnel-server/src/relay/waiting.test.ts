import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { Waiting } from './waiting.ts';
import type { Waiter } from './waiting.ts';

class Request implements Waiter<Request> {
  ahead: Request | null = null;
  behind: Request | null = null;
}

function inOrder(waiting: Waiting<Request>): Request[] {
  const requests: Request[] = [];
  for (let each = waiting.first; each !== null; each = each.behind) requests.push(each);
  return requests;
}

it('requests wait in order of arrival, whoever leaves, and who left points to nobody', (t) => {
  const seed = Number(process.env['SALLYPORT_SEED'] ?? Math.trunc(Math.random() * 2 ** 31));
  t.diagnostic(`seed ${seed}`);
  const leaves = fc.option(fc.nat({ max: 20 }));
  const property = fc.property(fc.array(leaves, { maxLength: 100, size: 'max' }), (steps) => {
    const waiting = new Waiting<Request>();
    const model: Request[] = [];
    for (const at of steps) {
      if (at === null) {
        model.push(new Request());
        waiting.add(model.at(-1)!);
      } else {
        const [gone = new Request()] = model.splice(at, 1);
        waiting.delete(gone);
        assert.deepEqual([gone.ahead, gone.behind], [null, null]);
      }
      assert.equal(waiting.size, model.length);
      const found = inOrder(waiting);
      assert.equal(found.length, model.length);
      assert(found.every((each, index) => each === model[index]));
    }
  });
  fc.assert(property, { seed });
});
