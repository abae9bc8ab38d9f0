import { expect, test } from "vitest";
import type { Candidate, Contact, Unit } from "../src/api/types";
import { isAlways, officeHours, periodsOf, rowsOf, spans } from "../src/contacts/directory";
import { linkOf, nextOf } from "../src/contacts/whom";

const said = (text: string) => ({ vi: text, en: text });
const standing = {
  origin: "site",
  removed: false,
  version: 1,
  changed_at: "2026-11-29T00:00:00Z",
  changed_by: "op",
  changed_why: "thử",
} as const;

function unit(id: string, changes: Partial<Unit> = {}): Unit {
  return {
    id,
    name: said(id),
    function: null,
    rank: 100,
    domains: [],
    areas: [],
    hours: null,
    parent: null,
    next_level: null,
    ...standing,
    ...changes,
  };
}

function contact(id: string, of: string, changes: Partial<Contact> = {}): Contact {
  return {
    id,
    unit: of,
    unit_name: said(of),
    title: said("Trực ban"),
    rank: 0,
    methods: [{ kind: "tel", value: "0218 000 0001" }],
    hours: null,
    severity_from: "info",
    deputy: null,
    person: null,
    ...standing,
    ...changes,
  };
}

const candidate = (contact: string, outcome: Candidate["outcome"]): Candidate => ({
  unit: { id: "u", name: said("u") },
  contact,
  title: said("Trực ban"),
  person: null,
  methods: [],
  reason: "in_hours",
  place: null,
  place_name: null,
  domain: null,
  on_duty_until: null,
  next_level_of: null,
  outcome,
  called_at: null,
  called_by: null,
});

test("the next one is the first whom nobody has tried, and nobody once somebody was reached", () => {
  expect(nextOf([candidate("a", null), candidate("b", null)])?.contact).toBe("a");
  expect(nextOf([candidate("a", "no_answer"), candidate("b", "busy"), candidate("c", null)])?.contact).toBe("c");
  expect(nextOf([candidate("a", "reached"), candidate("b", null)])).toBeNull();
  expect(nextOf([candidate("a", "no_answer")])).toBeNull();
});

test("a number is opened without its blanks, a channel is read out", () => {
  expect(linkOf({ kind: "tel", value: "+84 (218) 385-0000" })).toBe("tel:+842183850000");
  expect(linkOf({ kind: "email", value: "truc.ban@example.vn" })).toBe("mailto:truc.ban@example.vn");
  expect(linkOf({ kind: "radio", value: "kênh 5" })).toBeNull();
  expect(linkOf({ kind: "zalo", value: "0912" })).toBeNull();
});

test("days that follow each other are one span, and none wraps around the week", () => {
  expect(spans(["mon", "tue", "wed", "fri"])).toEqual([
    ["mon", "wed"],
    ["fri", "fri"],
  ]);
  expect(spans(["sun", "mon"])).toEqual([
    ["mon", "mon"],
    ["sun", "sun"],
  ]);
  expect(spans([])).toEqual([]);
});

test("periods are read as people type them, and none is guessed", () => {
  expect(periodsOf("07:30 - 11:30, 13:30–17:00")).toEqual(["07:30-11:30", "13:30-17:00"]);
  expect(periodsOf("22:00-06:00")).toEqual(["22:00-06:00"]);
  for (const wrong of ["", "7:30-17:00", "07:30", "24:00-06:00", "07:30-25:00"]) expect(periodsOf(wrong)).toBeNull();
});

test("hours that leave nothing out are around the clock", () => {
  expect(isAlways(null)).toBe(true);
  expect(isAlways({ days: null, hours: null, holidays: null })).toBe(true);
  expect(isAlways(officeHours())).toBe(false);
});

test("units of fewer places stand first, then by the order of calling; search finds names, people and numbers", () => {
  const units = [
    unit("wide"),
    unit("second", { rank: 20 }),
    unit("ward", { areas: [{ code: "04792", name: said("Tân Hòa") }] }),
  ];
  const contacts = [
    contact("b", "ward", { rank: 2, person: "Quách Thị Mẫu" }),
    contact("a", "ward", { rank: 1 }),
    contact("c", "second", { methods: [{ kind: "tel", value: "0912 345 678" }] }),
  ];
  const rows = rowsOf(units, contacts, "");
  expect(rows.map((row) => row.unit.id)).toEqual(["ward", "second", "wide"]);
  expect(rows[0]?.contacts.map((one) => one.id)).toEqual(["a", "b"]);
  expect(rowsOf(units, contacts, "tan hoa").map((row) => row.unit.id)).toEqual(["ward"]);
  expect(rowsOf(units, contacts, "quach mau").map((row) => row.unit.id)).toEqual(["ward"]);
  expect(rowsOf(units, contacts, "0912").map((row) => row.unit.id)).toEqual(["second"]);
});
