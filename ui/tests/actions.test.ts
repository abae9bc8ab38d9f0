import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Alert } from "../src/api/types";
import { actAndTell, actMany, lostWords } from "../src/live/actions";
import { alerts } from "../src/live/alerts.svelte";
import { toasts } from "../src/live/toasts.svelte";
import { anAlert } from "./samples";

/** What the server would answer, by path; what was asked is kept. */
let asked: [string, string | null][] = [];
let answers: Record<string, () => Response> = {};
const json = (status: number, body: unknown): Response => Response.json(body, { status });
const known = (alert: Alert): Alert => {
  alerts.hear(alert);
  return alert;
};

beforeEach(() => {
  [asked, answers] = [[], {}];
  for (const toast of toasts.list) toasts.drop(toast.id);
  vi.stubGlobal("fetch", (path: string, init: RequestInit) => {
    asked.push([path, new Headers(init.headers).get("If-Match")]);
    return Promise.resolve(answers[path]?.() ?? json(404, { title: "none" }));
  });
});
afterEach(() => vi.unstubAllGlobals());

describe("an alert that is taken from a list", () => {
  it("is asked for with the version that was seen, and can be given back", async () => {
    const seen = known(anAlert({ id: "b1", number: "HB-7", version: 4 }));
    const taken = { ...seen, state: "acknowledged" as const, version: 5 };
    answers["/api/v1/alerts/b1/acknowledge"] = () => json(200, taken);
    answers["/api/v1/alerts/b1/reopen"] = () => json(200, { ...taken, state: "new", version: 7 });
    await actAndTell(seen, "acknowledge");
    expect(toasts.list.at(-1)?.text).toBe("Đã nhận HB-7");
    alerts.hear({ ...taken, comments: 1, version: 6 }); // a comment since is no reason to refuse
    toasts.list.at(-1)?.undo?.();
    await vi.waitFor(() => expect(toasts.list.at(-1)?.text).toBe("Đã hoàn tác"));
    expect(asked).toEqual([
      ["/api/v1/alerts/b1/acknowledge", '"4"'],
      ["/api/v1/alerts/b1/reopen", '"6"'],
    ]);
    expect(alerts.get("b1")?.state).toBe("new");
  });

  it("that somebody else took first says who has it now, and shows it so", async () => {
    const seen = known(anAlert({ id: "b2", number: "HB-8" }));
    const theirs = { ...seen, state: "acknowledged" as const, owner: "ca.truc", version: 2 };
    answers["/api/v1/alerts/b2/acknowledge"] = () => json(412, { title: "changed", current: theirs });
    await actAndTell(seen, "acknowledge");
    expect(toasts.list.at(-1)).toMatchObject({ tone: "fault", text: lostWords(seen, theirs) });
    expect(lostWords(seen, theirs)).toContain("Đã nhận · ca.truc");
    expect(alerts.get("b2")?.owner).toBe("ca.truc");
  });

  it("that nobody took but that rose meanwhile says how it is, and blames nobody", async () => {
    const seen = known(anAlert({ id: "b4", number: "HB-10", severity: "high" }));
    const risen = { ...seen, severity: "critical" as const, version: 2 };
    answers["/api/v1/alerts/b4/acknowledge"] = () => json(412, { title: "changed", current: risen });
    await actAndTell(seen, "acknowledge");
    expect(toasts.list.at(-1)?.text).toContain("Hiện nay: Khẩn cấp");
    expect(toasts.list.at(-1)?.text).not.toContain("người khác");
  });

  it("is not given back once somebody else has made something else of it", async () => {
    const seen = known(anAlert({ id: "b3", number: "HB-9" }));
    const taken = { ...seen, state: "acknowledged" as const, version: 2 };
    answers["/api/v1/alerts/b3/acknowledge"] = () => json(200, taken);
    await actAndTell(seen, "acknowledge");
    alerts.hear({ ...taken, state: "false_alarm", owner: "truong.ca", version: 3 });
    toasts.list.at(-1)?.undo?.();
    await vi.waitFor(() => expect(toasts.list.at(-1)?.text).toContain("truong.ca"));
    expect(asked.map(([path]) => path)).toEqual(["/api/v1/alerts/b3/acknowledge"]);
  });

  it("of many tells how many were taken and how many not", async () => {
    const list = ["c1", "c2", "c3"].map((id) => known(anAlert({ id, number: id })));
    const taken = (id: string): Alert => ({ ...anAlert({ id }), state: "acknowledged", version: 2 });
    const none = { alert: null, code: null, detail: null };
    answers["/api/v1/alerts/bulk"] = () =>
      json(200, {
        items: [
          { ...none, id: "c1", outcome: "done", alert: taken("c1") },
          { ...none, id: "c2", outcome: "done", alert: taken("c2") },
          { ...none, id: "c3", outcome: "refused", code: "forbidden", detail: "not allowed" },
        ],
      });
    await actMany([...list, anAlert({ id: "c4", state: "resolved" })], "acknowledge");
    expect(asked).toEqual([["/api/v1/alerts/bulk", null]]);
    expect(["c1", "c2", "c3"].map((id) => alerts.get(id)?.state)).toEqual(["acknowledged", "acknowledged", "new"]);
    expect(toasts.list.map((toast) => toast.text)).toEqual([
      "Đã nhận 2 cảnh báo",
      "1 cảnh báo không thực hiện được vì đã thay đổi hoặc không đủ quyền",
    ]);
  });
});
