// What people do with a case of one asset, one policy, or of what a unit asks for.

/** Writes something down in its dialog. What is chosen from a list is given as its words. */
export async function writes(reader, opener, fields) {
  await reader.part(opener).first().click();
  for (const [field, value] of Object.entries(fields)) {
    if (typeof value === "object") await reader.chooses(`record-${field}`, value.words);
    else await reader.writes(`record-${field}`, value);
  }
  await reader.part("record-confirm").click();
  await reader.part("record-confirm").waitFor({ state: "hidden" });
}

/** Brings a paper that the next step lacks. */
export const brings = (reader, kind) => writes(reader, `bring-${kind}`, { name: `${kind} 1号` });

/** Takes a step, with what is said with it. */
export async function takes(reader, step, said = {}) {
  await reader.part(`step-${step}`).click();
  for (const [field, value] of Object.entries(said)) {
    if (typeof value === "object") await reader.chooses(`step-${field}`, value.words);
    else await reader.writes(`step-${field}`, value);
  }
  await reader.part("step-confirm").click();
  await reader.part("step-confirm").waitFor({ state: "hidden" });
}

/** Waits until the case is in a state. */
export const arrives = (reader, state) => reader.page.locator(`[data-testid="at-${state}"].here`).waitFor();
