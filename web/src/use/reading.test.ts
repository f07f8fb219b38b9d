import { effectScope, nextTick, reactive, ref } from "vue";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { useReading } from "@/use/reading";

const server = reactive({ connection: "ready", revision: 1 });
vi.mock("@/state/server", () => ({ useServerStore: () => server }));
vi.mock("@/use/words", () => ({ useWords: () => ({ failure: (error: Error) => error.message }) }));

beforeEach(() => Object.assign(server, { connection: "ready", revision: 1 }));

/** A reader of something that is answered by hand. */
function reading() {
  const of = ref("a");
  const shown = ref<string | null>(null);
  const asked: { answer: (text: string) => void; fail: (error: Error) => void; signal: AbortSignal }[] = [];
  const scope = effectScope();
  const read = scope.run(() =>
    useReading([of], async (signal) => {
      shown.value = await new Promise<string>((answer, fail) => {
        asked.push({ answer, fail, signal });
        signal.addEventListener("abort", () => fail(new DOMException("let go", "AbortError")));
      });
    }),
  );
  if (read === undefined) throw new Error("the scope is over");
  return { of, shown, asked, ...read, scope };
}
const settled = () => new Promise((resolve) => setTimeout(resolve));

describe("what a panel reads", () => {
  it("is read at once and anew when what it depends on or the registry changes", async () => {
    const { of, shown, asked } = reading();
    asked[0]?.answer("first");
    await settled();
    expect(shown.value).toBe("first");
    of.value = "b";
    await nextTick();
    server.revision = 2;
    await nextTick();
    expect(asked).toHaveLength(3);
  });
  it("is let go when it is overtaken, without a word", async () => {
    const { of, shown, asked, trouble } = reading();
    of.value = "b";
    await nextTick();
    expect(asked[0]?.signal.aborted).toBe(true);
    asked[1]?.answer("second");
    await settled();
    expect([shown.value, trouble.value]).toEqual(["second", null]);
  });
  it("keeps what was shown when it fails, says why, and forgets it once it is read", async () => {
    const { shown, asked, trouble, load } = reading();
    asked[0]?.answer("first");
    await settled();
    void load();
    asked[1]?.fail(new Error("no such day"));
    await settled();
    expect([shown.value, trouble.value]).toEqual(["first", "no such day"]);
    void load();
    asked[2]?.answer("third");
    await settled();
    expect([shown.value, trouble.value]).toEqual(["third", null]);
  });
  it("waits while the server is away, and ends with its panel", async () => {
    server.connection = "lost";
    const { asked, scope } = reading();
    expect(asked).toHaveLength(0);
    server.connection = "ready";
    await nextTick();
    expect(asked).toHaveLength(1);
    scope.stop();
    expect(asked[0]?.signal.aborted).toBe(true);
    server.revision = 3;
    await nextTick();
    expect(asked).toHaveLength(1);
  });
});
