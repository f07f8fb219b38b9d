// Who is signed in, and what they may. While nobody is, the page shows the way in over whatever is open: the address and
// what was being written stay.
import { defineStore } from "pinia";
import { computed, ref } from "vue";
import { forgetAnswers, listenToRefusals, LostServerError, ProblemError } from "@/api/http";
import { fetchSession, signOut as askToSignOut, type Permission, type Session } from "@/api/session";

/** The secret of the link for the first administrator, where the page was opened by it. */
const linkOpened = /^#first=([\w-]+)$/.exec(window.location.hash)?.[1] ?? null;

/** Why a sign-in through the provider led back here without a session, and how many seconds to wait. */
const refusedThere = /^#refused=(\w+)(?:&wait=(\d+))?$/.exec(window.location.hash);
if (refusedThere !== null) window.history.replaceState(window.history.state, "", window.location.pathname + window.location.search);

const checkEvery_ms = 30_000;
const retryAfter_ms = 1500;

export const useSessionStore = defineStore("session", () => {
  const session = ref<Session | null>(null);
  /** Nothing is known yet: neither the page nor the way in is shown. */
  const isKnown = ref(false);
  /** Somebody was signed in here and no longer is. */
  const hasEnded = ref(false);
  const firstLink = ref(linkOpened);
  const refused = ref(refusedThere === null ? null : { code: refusedThere[1] ?? "", wait_s: Number(refusedThere[2] ?? 0) });

  const isIn = computed(() => session.value !== null && !session.value.must_change_password);
  const mayEnter = computed(() => isIn.value && may("read_registry"));

  let lastInput = Date.now();

  /** What whoever is, or was last, signed in may do: what is open under the way in stays as it is. */
  const permissions = ref<Permission[]>([]);
  const everywhere = ref<Permission[]>([]);

  /** May they, be it in a part of the registry? */
  function may(permission: Permission): boolean {
    return permissions.value.includes(permission);
  }

  /** May they all over the registry? */
  function mayEverywhere(permission: Permission): boolean {
    return everywhere.value.includes(permission);
  }

  function enter(entered: Session): void {
    // Another person must not find what the last one left open.
    if (hasEnded.value && lastPerson !== null && lastPerson !== entered.person_id) {
      window.location.reload();
      return;
    }
    lastPerson = entered.person_id;
    firstLink.value = null;
    refused.value = null;
    hasEnded.value = false;
    session.value = entered;
    permissions.value = entered.permissions;
    everywhere.value = entered.permissions_everywhere;
    isKnown.value = true;
  }
  let lastPerson: string | null = null;

  async function check(): Promise<void> {
    try {
      enter(await fetchSession());
    } catch (error) {
      if (error instanceof LostServerError) {
        if (!isKnown.value) setTimeout(() => void check(), retryAfter_ms);
        return;
      }
      if (error instanceof ProblemError && error.problem.status !== 401) return;
      leave();
    }
  }

  /** Between the server's farewell and the fresh page, whatever else is still asking is refused: that ends no session. */
  let isSigningOut = false;

  function leave(): void {
    if (isSigningOut) return;
    if (session.value !== null) hasEnded.value = true;
    session.value = null;
    isKnown.value = true;
    forgetAnswers();
  }

  async function signOut(): Promise<void> {
    isSigningOut = true;
    try {
      await askToSignOut();
    } catch (error) {
      // Whose session is over already is out.
      if (!(error instanceof ProblemError && error.problem.status === 401)) {
        isSigningOut = false;
        throw error;
      }
    }
    // Nothing of it stays in memory.
    window.location.reload();
  }

  /** Did somebody touch the page lately? What it asks by itself must not keep a session alive. */
  function isInUse(): boolean {
    return Date.now() - lastInput < 2 * 60_000;
  }

  function start(): void {
    listenToRefusals((status, code) => {
      if (status === 401 && session.value !== null) leave();
      if (code === "password_change_required" && session.value !== null) void check();
    });
    for (const kind of ["pointerdown", "pointermove", "keydown", "wheel"]) {
      window.addEventListener(kind, () => (lastInput = Date.now()), { passive: true, capture: true });
    }
    setInterval(() => {
      const idle_ms = (session.value?.idle_s ?? Infinity) * 1000;
      const isOver = session.value?.expires_at != null && Date.now() >= Date.parse(session.value.expires_at);
      // By now the server has ended it: the way in is shown before anything is typed for nothing.
      if (session.value !== null && (isOver || Date.now() - lastInput > idle_ms + checkEvery_ms)) void check();
    }, checkEvery_ms);
    void check();
  }

  return { session, isKnown, hasEnded, firstLink, refused, isIn, mayEnter, may, mayEverywhere, enter, check, signOut, isInUse, start };
});
