import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import type { Link, SessionState } from '@sallyport/protocol';
import { Servers } from './servers.ts';
import type { ServerConflict, ServerView } from './servers.ts';

const SYNC_TIMEOUT_MS = 2_000;

/** The choice looks at nothing else of a link. */
function newLink(takesStreams = true): Link {
  return { takesStreams } as Link;
}

interface Bench {
  readonly servers: Servers;
  readonly conflicts: ServerConflict[];
  /** A server that is connected and has said what it holds. */
  readonly connect: (...sessions: SessionState[]) => { view: ServerView; link: Link };
}

function newBench(nowMs = () => 0): Bench {
  const conflicts: ServerConflict[] = [];
  const servers = new Servers((conflict) => conflicts.push(conflict), nowMs);
  return {
    servers,
    conflicts,
    connect: (...sessions) => {
      const view = servers.add(`server-${servers.views.length}`);
      const link = newLink();
      servers.linkUp(view, link);
      servers.update(view, link, { reset: true, complete: true, sessions });
      return { view, link };
    },
  };
}

function state(changes: Partial<SessionState> = {}): SessionState {
  return { session: 's', principal: 'p', epoch: 1, links: 1, free: 1, waiting: 0, ...changes };
}

function tell(servers: Servers, { view, link }: { view: ServerView; link: Link }, ...sessions: SessionState[]): void {
  servers.update(view, link, { reset: false, complete: false, sessions });
}

describe('the server for a request', () => {
  it('is none where none is connected', () => {
    const { servers } = newBench();
    servers.add('far');
    assert.equal(servers.choose('s', null), null);
  });

  it('is one with a free slot before one without', () => {
    const { servers, connect } = newBench();
    connect(state({ free: 0 }));
    const free = connect(state({ waiting: 5 }));
    connect(state({ free: 0, waiting: 1 }));
    assert.equal(servers.choose('s', null), free.link);
  });

  it('is the first of several with a free slot', () => {
    const { servers, connect } = newBench();
    const first = connect(state());
    connect(state({ free: 9 }));
    assert.equal(servers.choose('s', null), first.link);
  });

  it('is the one with the shortest queue where no slot is free', () => {
    const { servers, connect } = newBench();
    connect(state({ free: 0, waiting: 900 }));
    const short = connect(state({ free: 0, waiting: 2 }));
    connect(state({ free: 0, waiting: 3 }));
    assert.equal(servers.choose('s', null), short.link);
  });

  it('is one that holds the session, however busy, before one that does not', () => {
    const { servers, connect } = newBench();
    connect();
    connect(state({ session: 'other' }));
    const busy = connect(state({ free: 0, waiting: 1_000 }));
    assert.equal(servers.choose('s', null), busy.link);
  });

  it('is any that is connected where none holds the session: it knows whether there is such a one', () => {
    const { servers, connect } = newBench();
    servers.add('far');
    const { link } = connect();
    assert.equal(servers.choose('s', null), link);
  });

  it('is another than the one that just failed, be it busier', () => {
    const { servers, connect } = newBench();
    const failed = connect(state({ free: 5 }));
    const other = connect(state({ free: 0, waiting: 1_000 }));
    assert.equal(servers.choose('s', failed.link), other.link);
  });

  it('is the one that just failed where only it holds the session, or only it is connected', () => {
    const { servers, connect } = newBench();
    const failed = connect(state());
    assert.equal(servers.choose('s', failed.link), failed.link);
    assert.equal(servers.choose('unknown', failed.link), failed.link);
    const other = connect();
    assert.equal(servers.choose('s', failed.link), failed.link);
    assert.equal(servers.choose('unknown', failed.link), other.link);
  });

  it('is never one whose link takes no streams', () => {
    const { servers, conflicts } = newBench();
    const view = servers.add('late');
    const link = newLink(false);
    servers.linkUp(view, link);
    servers.update(view, link, { reset: true, complete: true, sessions: [state()] });
    assert.equal(servers.choose('s', null), null);
    assert.deepEqual(conflicts, []);
  });
});

describe('what a server says it holds', () => {
  it('is changed by each update', () => {
    const { servers, connect } = newBench();
    const a = connect(state({ free: 1 }));
    const b = connect(state({ free: 0 }));
    assert.equal(servers.choose('s', null), a.link);
    tell(servers, a, state({ free: 0, waiting: 4 }));
    tell(servers, b, state({ free: 0, waiting: 3 }));
    assert.equal(servers.choose('s', null), b.link);
  });

  it('is forgotten when nobody serves the session there any more', () => {
    const { servers, connect } = newBench();
    const a = connect(state());
    const b = connect(state({ free: 0, waiting: 9 }));
    tell(servers, a, state({ links: 0 }));
    assert.equal(a.view.sessions.size, 0);
    assert.equal(servers.choose('s', null), b.link);
  });

  it('is forgotten when it begins its list anew', () => {
    const { servers, connect } = newBench();
    const { view, link } = connect(state(), state({ session: 'old' }));
    servers.update(view, link, { reset: true, complete: true, sessions: [state()] });
    assert.deepEqual([...view.sessions.keys()], ['s']);
  });

  it('is forgotten when its link is lost, and it is not synced any more', () => {
    const { servers, connect } = newBench();
    const { view, link } = connect(state());
    servers.linkLost(view, link);
    assert.equal(view.sessions.size, 0);
    assert.equal(view.link, null);
    assert.ok(!servers.isSynced);
    assert.equal(servers.choose('s', null), null);
  });

  it('counts on the link in use alone: an older one neither tells nor takes away', () => {
    const { servers, connect } = newBench();
    const old = connect(state());
    const link = newLink();
    servers.linkUp(old.view, link);
    servers.linkLost(old.view, old.link);
    assert.equal(old.view.link, link);
    tell(servers, old, state({ session: 'stale' }));
    assert.deepEqual([...old.view.sessions.keys()], ['s']);
  });
});

describe('a session that two servers claim for two principals', () => {
  it('stays with the first, and the conflict is told', () => {
    const { servers, conflicts, connect } = newBench();
    const first = connect(state({ principal: 'alice', free: 0 }));
    const second = connect(state({ principal: 'mallory' }));
    assert.deepEqual(conflicts, [{ session: 's', keptPrincipal: 'alice', refusedPrincipal: 'mallory' }]);
    assert.equal(servers.choose('s', null), first.link);
    assert.equal(second.view.sessions.size, 0);
  });

  it('goes to the other once the first has left', () => {
    const { servers, connect } = newBench();
    const first = connect(state({ principal: 'alice' }));
    const ignorant = connect();
    const second = connect(state({ principal: 'mallory' }));
    servers.linkLost(first.view, first.link);
    assert.equal(servers.choose('s', null), second.link);
    assert.deepEqual([...ignorant.view.sessions.keys(), ...second.view.sessions.keys()], ['s']);
  });

  it('goes to the other once the first begins its list anew without it', () => {
    const { servers, connect } = newBench();
    const first = connect(state({ principal: 'alice' }));
    const second = connect(state({ principal: 'mallory' }));
    servers.update(first.view, first.link, { reset: true, complete: true, sessions: [state({ principal: 'alice' })] });
    assert.equal(servers.choose('s', null), first.link);
    servers.update(first.view, first.link, { reset: true, complete: true, sessions: [] });
    assert.equal(servers.choose('s', null), second.link);
  });

  it('goes to nobody else while a server of the first principal still holds it', () => {
    const { servers, connect } = newBench();
    const first = connect(state({ principal: 'alice' }));
    const again = connect(state({ principal: 'alice' }));
    connect(state({ principal: 'mallory' }));
    servers.linkLost(first.view, first.link);
    assert.equal(servers.choose('s', null), again.link);
    Object.assign(again.link, { takesStreams: false });
    assert.equal(servers.choose('s', null), null);
  });

  it('goes to all servers of the principal that comes next', () => {
    const { servers, connect, conflicts } = newBench();
    const first = connect(state({ principal: 'alice' }));
    const [one, other] = [connect(state({ principal: 'bob' })), connect(state({ principal: 'bob', free: 0 }))];
    const third = connect(state({ principal: 'mallory' }));
    tell(servers, first, state({ principal: 'alice', links: 0 }));
    assert.deepEqual(
      [one, other, third].map(({ view }) => view.sessions.size),
      [1, 1, 0],
    );
    assert.equal(conflicts.length, 3);
  });

  it('is not asked for at the other, not even where the first takes no streams', () => {
    const { servers, connect } = newBench();
    const first = connect(state({ principal: 'alice' }));
    connect(state({ principal: 'mallory' }));
    Object.assign(first.link, { takesStreams: false });
    assert.equal(servers.choose('s', null), null);
  });

  it('is told once, however often the other says it again', () => {
    const { servers, conflicts, connect } = newBench();
    connect(state({ principal: 'alice' }));
    const second = connect(state({ principal: 'mallory' }));
    for (let i = 0; i < 3; i += 1) tell(servers, second, state({ principal: 'mallory', waiting: i }));
    assert.equal(conflicts.length, 1);
  });

  it('is believed again of a server that comes back with another list', () => {
    const { servers, connect } = newBench();
    const first = connect(state({ principal: 'alice', free: 0 }));
    const second = connect(state({ principal: 'mallory' }));
    servers.linkLost(second.view, second.link);
    const link = newLink();
    servers.linkUp(second.view, link);
    servers.update(second.view, link, { reset: true, complete: true, sessions: [] });
    assert.equal(servers.choose('s', first.link), first.link);
    Object.assign(first.link, { takesStreams: false });
    assert.equal(servers.choose('s', null), link);
  });

  it('is no conflict when both say the same principal', () => {
    const { conflicts, connect } = newBench();
    connect(state());
    connect(state());
    assert.deepEqual(conflicts, []);
  });

  it('is not asked for at a server whose principal changed into another’s', () => {
    const { servers, connect } = newBench();
    const first = connect(state({ principal: 'alice', free: 0 }));
    const second = connect(state({ principal: 'alice' }));
    assert.equal(servers.choose('s', null), second.link);
    tell(servers, second, state({ principal: 'mallory' }));
    assert.equal(servers.choose('s', null), first.link);
  });
});

describe('the first list of sessions', () => {
  it('is complete when a server says so, and not before', async (t) => {
    const { servers } = newBench();
    const view = servers.add('a');
    const link = newLink();
    servers.linkUp(view, link);
    const seen = waiting(t, servers);
    servers.update(view, link, { reset: true, complete: false, sessions: [state()] });
    await settle();
    assert.deepEqual([seen.isOver, servers.isSynced], [false, false]);
    servers.update(view, link, { reset: false, complete: true, sessions: [] });
    await settle();
    assert.deepEqual([seen.isOver, servers.isSynced], [true, true]);
  });

  it('is waited for up to the limit', async (t) => {
    const { servers } = newBench();
    const seen = waiting(t, servers);
    t.mock.timers.tick(SYNC_TIMEOUT_MS - 1);
    await settle();
    assert.ok(!seen.isOver);
    t.mock.timers.tick(1);
    await settle();
    assert.ok(seen.isOver);
  });

  it('is not waited for when it is there', async () => {
    const { servers, connect } = newBench();
    connect();
    await servers.whenSynced(SYNC_TIMEOUT_MS);
  });
});

/** Whether the wait for the first list is over, on a clock that the test moves. */
function waiting(t: TestContext, servers: Servers): { isOver: boolean } {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const seen = { isOver: false };
  void servers.whenSynced(SYNC_TIMEOUT_MS).then(() => (seen.isOver = true));
  return seen;
}

function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe('a session', () => {
  it('is known while a server holds it, and for ten minutes after the last has let go of it or was lost', () => {
    const known: boolean[] = [];
    for (const lose of ['told', 'link'] as const) {
      let nowMs = 1_000;
      const { servers, connect } = newBench(() => nowMs);
      connect();
      const holder = connect(state());
      known.push(servers.isKnown('s'), servers.isKnown('other'));
      if (lose === 'told') tell(servers, holder, state({ links: 0 }));
      else servers.linkLost(holder.view, holder.link);
      nowMs += 599_999;
      known.push(servers.isKnown('s'));
      nowMs += 1;
      known.push(servers.isKnown('s'));
    }
    assert.deepEqual(known, [true, false, true, false, true, false, true, false]);
  });

  it('is held elsewhere where another server that takes streams has said so', () => {
    const { servers, connect } = newBench();
    const here = connect(state());
    const answers = [servers.isHeldElsewhere('s', here.link)];
    const there = connect(state({ session: 'other' }));
    answers.push(servers.isHeldElsewhere('s', here.link));
    tell(servers, there, state());
    answers.push(servers.isHeldElsewhere('s', here.link), servers.isHeldElsewhere('other', there.link));
    servers.linkLost(there.view, there.link);
    answers.push(servers.isHeldElsewhere('s', here.link));
    assert.deepEqual(answers, [false, false, true, false, false]);
  });

  it('that was lost is remembered among 100,000 that were lost since, and not among 200,000', () => {
    const { servers, connect } = newBench();
    const lose = (from: number, count: number) => {
      const { view, link } = connect(...Array.from({ length: count }, (_, i) => state({ session: `s${from + i}` })));
      servers.linkLost(view, link);
    };
    lose(0, 1);
    lose(1, 100_000);
    assert.deepEqual([servers.isKnown('s0'), servers.isKnown('s100000')], [true, true]);
    lose(100_001, 100_000);
    assert.deepEqual([servers.isKnown('s0'), servers.isKnown('s200000')], [false, true]);
  });

  it('is known though the list of a link that took over does not have it any more', () => {
    const { servers, connect } = newBench();
    const { view } = connect(state());
    const next = newLink();
    servers.linkUp(view, next);
    servers.update(view, next, { reset: true, complete: true, sessions: [] });
    assert.deepEqual([servers.isKnown('s'), view.sessions.size], [true, 0]);
  });

  it('is forgotten in one go with 100,000 others, again and again: no memory is walked over for each', (context) => {
    let looks = 0;
    const { servers, connect } = newBench(() => {
      looks += 1;
      return looks;
    });
    const all = Array.from({ length: 100_000 }, (_, i) => state({ session: `s${i}` }));
    const walks = (['entries', 'keys', 'values', Symbol.iterator] as const).map((name) =>
      context.mock.method(Map.prototype, name as 'entries'),
    );
    for (let i = 0; i < 3; i += 1) {
      const { view, link } = connect(...all);
      servers.linkLost(view, link);
    }
    const walked = walks.reduce((sum, { mock }) => sum + mock.callCount(), 0);
    // Of the sessions of the view, as its first list comes and as its link is lost.
    assert.deepEqual([walked, looks], [6, 6]);
    assert.ok(servers.isKnown('s0') && servers.isKnown('s99999'));
  });
});
