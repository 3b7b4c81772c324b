/** What `/api/sessions` says: each session as its client sees it. */
import type { SessionClient } from './session-client.ts';

export function listSessions(offered: readonly SessionClient[]) {
  return offered.map(({ session, backendName, isConnected, streams, quota, record }) => ({
    session,
    backend: backendName,
    isConnected,
    isBackendUp: record.isUp,
    streams,
    busy: quota.slots.activeCount,
    free: quota.freeSlots,
    longStreams: quota.longStreams,
    answers: record.answers,
    serverErrors: record.serverErrors,
    backendSeconds: Number(record.seconds.toFixed(6)),
    lastFailure: record.lastFailure,
    lastFailureAt: record.lastFailureAt,
  }));
}
