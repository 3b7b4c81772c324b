import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Upload } from './upload.ts';

/** What a stream was given; it takes no more than `room` bytes. */
function sent(upload: Upload, room: number): { body: string; trailers: readonly string[] | null; wantsMore: boolean } {
  let body = '';
  let trailers: readonly string[] | null = null;
  const wantsMore = upload.replay({
    write: (chunk) => {
      body += chunk.toString();
      return body.length <= room;
    },
    end: (fields) => (trailers = fields),
  });
  return { body, trailers, wantsMore };
}

describe('the body of a request', () => {
  it('goes to a first stream as it comes: nothing is there to be sent again', () => {
    assert.deepEqual(sent(new Upload(), 0), { body: '', trailers: null, wantsMore: true });
  });

  it('goes to a second stream whole, with its trailers and its end', () => {
    const upload = new Upload();
    for (const part of ['some ', 'of it']) upload.keep(Buffer.from(part));
    assert.deepEqual(sent(upload, 100), { body: 'some of it', trailers: null, wantsMore: true });
    upload.end(['X-Sum', '1']);
    assert.deepEqual(sent(upload, 100), { body: 'some of it', trailers: ['X-Sum', '1'], wantsMore: false });
  });

  it('is not asked for more where the second stream has no room', () => {
    const upload = new Upload();
    upload.keep(Buffer.from('more than fits'));
    assert.equal(sent(upload, 3).wantsMore, false);
  });

  it('is kept no longer once somebody has begun to read it', () => {
    const upload = new Upload();
    upload.keep(Buffer.from('read'));
    assert.ok(upload.isWhole);
    upload.forget();
    upload.keep(Buffer.from('and lost'));
    assert.ok(!upload.isWhole);
    assert.equal(sent(upload, 100).body, '');
  });

  it('that stalls is told once, unless it goes on in time', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const upload = new Upload();
    let stalls = 0;
    for (let i = 0; i < 3; i += 1) upload.startStall(100, () => (stalls += 1));
    upload.stopStall();
    t.mock.timers.tick(1_000);
    assert.equal(stalls, 0);
    for (let i = 0; i < 3; i += 1) upload.startStall(100, () => (stalls += 1));
    t.mock.timers.tick(1_000);
    assert.equal(stalls, 1);
  });
});
