import { describe, expect, it, vi } from "vitest";
import { Problem } from "../src/api/client";
import { change } from "../src/live/change";

const told = () => ({ hear: vi.fn(), explain: (problem: Problem) => `refused: ${problem.message}` });

describe("a change of something with a version", () => {
  it("is heard once it is done", async () => {
    const { hear, explain } = told();
    expect(await change(() => Promise.resolve("new"), { hear, explain })).toEqual({ done: "new" });
    expect(hear).toHaveBeenCalledExactlyOnceWith("new");
  });

  it("that lost its race hears and gives the state that the server has now", async () => {
    const { hear, explain } = told();
    const lost = () => Promise.reject(new Problem(412, { current: "theirs" }));
    expect(await change(lost, { hear, explain })).toEqual({ lost: "theirs" });
    expect(hear).toHaveBeenCalledExactlyOnceWith("theirs");
  });

  it("that is refused says why and leaves what is known as it is, a 412 without the new state too", async () => {
    for (const status of [403, 409, 412, 503]) {
      const { hear, explain } = told();
      const problem = new Problem(status, { detail: `status ${status}` });
      expect(await change(() => Promise.reject(problem), { hear, explain })).toEqual({
        refused: `refused: status ${status}`,
        problem,
      });
      expect(hear).not.toHaveBeenCalled();
    }
  });

  it("that fails for a fault of our own is not taken for a refusal", async () => {
    await expect(change(() => Promise.reject(new TypeError("ours")), told())).rejects.toThrow("ours");
  });
});
