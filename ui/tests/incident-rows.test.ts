/** The list of open alerts, one row for each incident. */
import { describe, expect, it } from "vitest";
import type { Alert } from "../src/api/types";
import { groupedLines, plainLines, tallyOf } from "../src/incidents/rows";
import { anAlert } from "./samples";

const STORM = { id: "in_storm", number: "TH-1", title: { vi: "Mưa lũ", en: "Storm" } };
const LAKE = { id: "in_lake", number: "TH-2", title: { vi: "Xả lũ", en: "Release" } };
const rain = (id: string, changes: Partial<Alert> = {}): Alert => anAlert({ id, incident: STORM, ...changes });
const ids = (open: Alert[], expanded: string[] = []): string[] =>
  groupedLines(open, new Set(expanded)).map((line) => (line.type === "alert" && line.member ? `·${line.id}` : line.id));

describe("rows by incident", () => {
  it("is one row for a storm, where its most urgent alert would stand", () => {
    const open = [anAlert({ id: "fire" }), rain("r1"), anAlert({ id: "x" }), rain("r2"), rain("r3")];
    expect(ids(open)).toEqual(["fire", "in_storm", "x"]);
  });
  it("shows the members under the row once it is unfolded, and no other incident's", () => {
    const open = [rain("r1"), anAlert({ id: "l1", incident: LAKE }), rain("r2"), anAlert({ id: "l2", incident: LAKE })];
    expect(ids(open, ["in_storm"])).toEqual(["in_storm", "·r1", "·r2", "in_lake"]);
  });
  it("always shows a critical alert that nobody has taken", () => {
    const open = [rain("r1", { severity: "critical" }), rain("r2")];
    expect(ids(open)).toEqual(["in_storm", "·r1"]);
    expect(ids([rain("r1", { severity: "critical", state: "acknowledged" }), rain("r2")])).toEqual(["in_storm"]);
  });
  it("leaves one that is alone of its incident, and what was found to be false, as they are", () => {
    expect(ids([rain("r1"), anAlert({ id: "x" })])).toEqual(["r1", "x"]);
    expect(ids([rain("r1"), rain("r2"), rain("r3", { state: "false_alarm" })])).toEqual(["in_storm", "r3"]);
  });
  it("loses no alert: folded or not, each is a row or under one", () => {
    const open = [rain("r1"), rain("r2"), anAlert({ id: "x" }), anAlert({ id: "l1", incident: LAKE })];
    const under = groupedLines(open, new Set()).flatMap((line) =>
      line.type === "incident" ? line.alerts.map((alert) => alert.id) : line.member ? [] : [line.id],
    );
    expect(under.sort()).toEqual(open.map((alert) => alert.id).sort());
    expect(plainLines(open).map((line) => line.id)).toEqual(["r1", "r2", "x", "l1"]);
  });
  it("tells how many nobody has taken, of how many devices and units, since when", () => {
    const open = [rain("r1"), rain("r2", { device: "g2", state: "acknowledged", opened_at: "2026-06-30T00:00:00Z" })];
    expect(tallyOf(open)).toEqual({ fresh: 1, devices: 2, areas: 1, since: "2026-06-30T00:00:00Z" });
  });
});
