// Three versions of one form: as it was read, as somebody has it on the screen, as it has been read again.

export type Rebased<Form> = {
  form: Form;
  /** Fields that were typed here and changed there: what was typed stays, and whoever typed it is told. */
  clashes: (keyof Form)[];
};

/** Equal as data, whatever order objects keep. */
export function isSame(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (Array.isArray(one) && Array.isArray(other)) return one.length === other.length && one.every((item, place) => isSame(item, other[place]));
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null || Array.isArray(one) || Array.isArray(other)) return false;
  const [left, right] = [one as Record<string, unknown>, other as Record<string, unknown>];
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].every((name) => isSame(left[name], right[name]));
}

/** What was typed over `base` is laid over `theirs`; nothing that was typed is lost. */
export function rebase<Form extends object>(base: Form, mine: Form, theirs: Form): Rebased<Form> {
  const form = { ...theirs };
  const clashes: (keyof Form)[] = [];
  for (const field of Object.keys(mine) as (keyof Form)[]) {
    if (isSame(mine[field], base[field])) continue;
    form[field] = mine[field];
    if (!isSame(theirs[field], base[field]) && !isSame(theirs[field], mine[field])) clashes.push(field);
  }
  return { form, clashes };
}

/** The fields that differ from what was read. */
export function touched<Form extends object>(base: Form, mine: Form): (keyof Form)[] {
  return (Object.keys(mine) as (keyof Form)[]).filter((field) => !isSame(mine[field], base[field]));
}
