// Small listeners on the window that clean up after themselves.
import { onBeforeUnmount, ref } from "vue";

/** With `first` it hears of what happens before anything on the page does. */
export function useEventListener<Name extends keyof WindowEventMap>(name: Name, listener: (event: WindowEventMap[Name]) => void, { first = false } = {}): void {
  window.addEventListener(name, listener, { capture: first });
  onBeforeUnmount(() => window.removeEventListener(name, listener, { capture: first }));
}

export function useWindowSize() {
  const width = ref(window.innerWidth);
  const height = ref(window.innerHeight);
  useEventListener("resize", () => {
    width.value = window.innerWidth;
    height.value = window.innerHeight;
  });
  return { width, height };
}

/** Follows a drag that began on `event` until the button is let go. */
export function followDrag(event: PointerEvent, onMove: (position: { x: number; y: number }) => void): void {
  event.preventDefault();
  const move = (next: PointerEvent) => onMove({ x: next.clientX, y: next.clientY });
  const end = () => {
    window.removeEventListener("pointermove", move);
    window.removeEventListener("pointerup", end);
    window.removeEventListener("pointercancel", end);
  };
  window.addEventListener("pointermove", move);
  window.addEventListener("pointerup", end);
  window.addEventListener("pointercancel", end);
}
