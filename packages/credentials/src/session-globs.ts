const GLOB = /^[A-Za-z0-9*-]{1,63}$/;
const SESSION_ID = /^[A-Za-z0-9-]{1,63}$/;
const STAR = '*';

/** True for a glob of sessions: the letters of a session id, and `*` for any number of them. */
export function isSessionGlob(glob: string): boolean {
  return GLOB.test(glob);
}

/** Whether a session is one of those that the globs name. What is not shaped like a session id never is, whatever the glob. */
export function sessionAllowed(globs: readonly string[], sessionId: string): boolean {
  if (!SESSION_ID.test(sessionId)) return false;
  for (const glob of globs) {
    if (globMatches(glob, sessionId)) return true;
  }
  return false;
}

/**
 * Walks both texts once; on a mismatch the last star takes one character more. At most glob × text steps (63 × 63), where a
 * regular expression made from the glob could backtrack exponentially.
 */
function globMatches(glob: string, text: string): boolean {
  let at = 0;
  let lastStar = -1;
  let textAtStar = 0;
  let index = 0;
  while (index < text.length) {
    if (glob[at] === STAR) {
      lastStar = at++;
      textAtStar = index;
    } else if (glob[at] === text[index]) {
      at++;
      index++;
    } else if (lastStar !== -1) {
      at = lastStar + 1;
      index = ++textAtStar;
    } else {
      return false;
    }
  }
  while (glob[at] === STAR) at++;
  return at === glob.length;
}
