// The people of a registry of titles, the land they deal with, and the way that all cases go in the end.
import assert from "node:assert/strict";
import { account, asReader, askAs } from "./browser.mjs";
import { Desk } from "./desk.mjs";

export const clerk = { username: "demo-title-clerk", password: account.password };
export const reviewer = { username: "demo-title-reviewer", password: account.password };
export const approver = { username: "demo-approver", password: account.password };

export async function post(address, body, who = clerk.username) {
  const response = await askAs(who, address, {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": crypto.randomUUID() },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  assert.equal(response.status, 201, JSON.stringify(answer));
  return answer.id;
}

export async function get(address, who = clerk.username) {
  const response = await askAs(who, address);
  return { status: response.status, etag: response.headers.get("etag"), body: await response.json() };
}

export const run = Math.floor(Math.random() * 90_000);
export const code = (serial) => `431103001002GB${String(1 + ((run + serial) % 99_998)).padStart(5, "0")}W00000000`;
export const certificate = (year, serial) => `湘(${year})冷水滩区不动产权第${String(1_000_000 + run * 20 + serial).slice(-7)}号`;

/** A parcel of its own in Yongzhou, as the asset manager registers it. */
export function parcel(name, column, more = {}) {
  const west = 111.6 + (run % 300) * 0.03 + column * 0.002;
  const south = 26.4 + Math.floor(run / 300) * 0.002;
  const ring = [[west, south], [west + 0.001, south], [west + 0.001, south + 0.001], [west, south + 0.001], [west, south]];
  return post("/api/v1/parcels", { name, code: `T-${run}-${column}`, valid_from: "2020-01-01", geometry: { type: "Polygon", coordinates: [ring] }, ...more }, account.username);
}

/** Two people at two desks, each signed in as nobody but themselves. */
export function asTwo(t, story, other = reviewer) {
  return asReader(t, (first) => asReader(t, (second) => story(new Desk(first), new Desk(second)), { as: other }), { as: clerk });
}

export const words = {
  zh: {
    first: "补办登记", transfer: "变更到机关事务管理部门名下", file: "权属备案", back: "平台公司划转", keep: "保留在单位名下", correct: "更正登记", unit: "使用单位", company: "平台公司", government: "人民政府", bureau: "机关事务管理部门",
    both: "两证齐全", use: "国有建设用地使用权", allocated: "划拨", lost: "历史资料缺失", edition: "土地利用现状分类(2007)", organs: "081",
  },
  en: {
    first: "register what is unregistered", transfer: "bring into the bureau's name", file: "file what can't be registered", back: "return from a platform company", keep: "keep in the unit's name", correct: "correct the book", unit: "a using unit",
    company: "a platform company", government: "a people's government", bureau: "the government-offices bureau", both: "both certificates", use: "use of state-owned construction land", allocated: "allocated", lost: "papers of the past are missing",
    edition: "land-use classes of 2007", organs: "081",
  },
};

/** An existing certificate of land, field by field. */
export const held = (word, column, holder, kind) => ({
  "unit-code": code(column), "cert-cert_no": certificate(2018, column), "cert-print_serial": `J${String(run).padStart(11, "0")}`, "cert-evidence": word.both,
  "holder-name-0": holder, "holder-kind-0": kind, "cert-location": "冷水滩区湘江西路1号", "cert-right_type": word.use, "cert-right_nature_land": word.allocated,
  "cert-land_use_scheme": word.edition, "cert-land_use_code": word.organs, "cert-land_area_m2": "11 000", "cert-registry": "永州市不动产登记中心",
  "cert-accepted_on": "2018-04-20", "cert-recorded_on": "2018-05-01", "cert-issued_on": "2018-05-03",
});

/** From the papers to the archive, by two people; the case is `id`. */
export async function register(first, second, id, language, column) {
  await first.takes("prepare");
  await first.isNotOffered("submit");
  await second.seesCase(id, language);
  assert.equal(await second.part("case-save").count(), 0, "who judges a case doesn't work on it");
  await second.part("case-differences").waitFor();
  await second.takes("submit");
  await second.isNotOffered("accept");
  await first.seesCase(id, language);
  await first.takes("accept", { "step-receipt": `冷不动产受〔2026〕${run}` });
  await first.part("case-due").waitFor();
  await first.takes("review");
  await first.isNotOffered("record");
  await second.seesCase(id, language);
  await second.takes("record");
  await first.seesCase(id, language);
  await first.takes("certify", { "step-cert-no": certificate(2026, column) });
  await first.takes("archive");
}
