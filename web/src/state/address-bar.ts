// Keeps the address bar and the view in step. Moving the map replaces the entry in the history, every other change
// makes a new one, so that "back" undoes a selection and not a hundred pans.
import { watch } from "vue";
import type { Router } from "vue-router";
import type { AddressQuery } from "@/state/address";
import { useViewStore } from "@/state/view";

/** Parts of the address that aren't the view's and stay as they are. */
const keptNames = ["lang"];

function isSame(left: AddressQuery, right: AddressQuery): boolean {
  const names = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...names].every((name) => left[name] === right[name]);
}

function withoutCamera(query: AddressQuery): AddressQuery {
  return Object.fromEntries(Object.entries(query).filter(([name]) => name !== "at"));
}

export function connectAddressBar(router: Router): void {
  const view = useViewStore();
  view.applyQuery(router.currentRoute.value.query);

  watch(
    () => view.query,
    (wanted) => {
      const route = router.currentRoute.value;
      const present: AddressQuery = {};
      const kept: AddressQuery = {};
      for (const [name, value] of Object.entries(route.query)) {
        if (typeof value !== "string") continue;
        (keptNames.includes(name) ? kept : present)[name] = value;
      }
      if (isSame(wanted, present)) return;
      const step = { path: route.path, query: { ...kept, ...wanted } };
      void (isSame(withoutCamera(wanted), withoutCamera(present)) ? router.replace(step) : router.push(step));
    },
    { flush: "post" },
  );

  router.afterEach((to) => {
    const shown = Object.fromEntries(Object.entries(to.query).filter(([name]) => !keptNames.includes(name))) as AddressQuery;
    if (!isSame(shown, view.query)) view.applyQuery(to.query);
  });
}
