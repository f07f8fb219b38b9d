// What a panel reads from the server, read anew whenever something changes that it depends on.
import { onScopeDispose, ref, watch, type Ref, type WatchSource } from "vue";
import { useServerStore } from "@/state/server";
import { useWords } from "@/use/words";

/**
 * Calls `read` at once, and again when one of `of` or the registry has changed, or the server is back. A reading that is
 * overtaken is let go; what was shown stays until the next is there. Gives what went wrong, and `load` to read by hand.
 */
export function useReading(of: WatchSource[], read: (signal: AbortSignal) => Promise<void>): { trouble: Ref<string | null>; load: () => Promise<void> } {
  const server = useServerStore();
  const { failure } = useWords();
  const trouble = ref<string | null>(null);
  let request: AbortController | null = null;

  async function load(): Promise<void> {
    if (server.connection !== "ready") return;
    request?.abort();
    request = new AbortController();
    const { signal } = request;
    try {
      await read(signal);
      if (!signal.aborted) trouble.value = null;
    } catch (error) {
      if (!signal.aborted) trouble.value = failure(error);
    }
  }

  watch([...of, () => server.revision, () => server.connection], () => void load(), { immediate: true });
  onScopeDispose(() => request?.abort());
  return { trouble, load };
}
