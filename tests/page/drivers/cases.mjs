// What people do with a case of one asset, one policy, or of what a unit asks for.

/** Says what a dialog asks for. What is chosen from a list is given as its words, what is looked up in one as what is sought. */
async function says(reader, dialog, fields) {
  for (const [name, value] of Object.entries(fields)) {
    const field = `${dialog}-${name}`;
    if (typeof value !== "object") await reader.writes(field, value);
    else if ("sought" in value) await reader.looksUp(field, value.sought);
    else await reader.chooses(field, value.words);
  }
}

/** Writes something down in its dialog. */
export async function writes(reader, opener, fields) {
  await reader.part(opener).first().click();
  await says(reader, "record", fields);
  await reader.part("record-confirm").click();
  await reader.part("record-confirm").waitFor({ state: "hidden" });
}

/** Brings a paper that the next step lacks. */
export const brings = (reader, kind) => writes(reader, `bring-${kind}`, { name: `${kind} 1号` });

/** Takes a step, with what is said with it. */
export async function takes(reader, step, said = {}) {
  await reader.part(`step-${step}`).click();
  await says(reader, "step", said);
  await reader.part("step-confirm").click();
  await reader.part("step-confirm").waitFor({ state: "hidden" });
}

/** Waits until the case is in a state. */
export const arrives = (reader, state) => reader.page.locator(`[data-testid="at-${state}"].here`).waitFor();
