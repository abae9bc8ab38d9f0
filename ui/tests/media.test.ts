/** What may be attached, and how it is told. */
import { expect, test } from "vitest";
import { Problem } from "../src/api/client";
import { faultOf, fitting, isTaken, size } from "../src/media/upload";

test("what the server takes is told before it is sent", () => {
  expect(["image/jpeg", "image/png", "image/webp", "application/pdf"].every(isTaken)).toBe(true);
  expect(["image/svg+xml", "image/heic", "image/gif", "text/html", ""].some(isTaken)).toBe(false);
});

test("five find room, the others are told", () => {
  expect(fitting([1, 2, 3], 3)).toEqual({ taken: [1, 2], isOver: true });
  expect(fitting([1, 2], 3)).toEqual({ taken: [1, 2], isOver: false });
  expect(fitting([1], 7)).toEqual({ taken: [], isOver: true });
});

test("a refusal has a word of ours, whatever its code", () => {
  expect(faultOf(new Problem(413, { code: "body_too_large" }))).toBe("too_large");
  expect(faultOf(new Problem(507, { code: "media_full" }))).toBe("full");
  expect(faultOf(new Problem(500, { code: "internal" }))).toBe("other");
  expect(faultOf(new Error("x"))).toBe("other");
});

test("a size is said as people say it", () => {
  expect(size(12, true)).toBe("1 kB");
  expect(size(820_400, true)).toBe("820 kB");
  expect(size(3_440_000, true)).toBe("3,4 MB");
  expect(size(3_440_000, false)).toBe("3.4 MB");
});
