/**
 * j and k on screens that have no keys of their own: the next row down or up, opened at once where a drawer is open.
 */
import { openOver, router } from "../router.svelte";

const ROWS = "[data-testid=alert-row], [data-testid=device-row], [data-testid=drill-past]";

export function walkRows(by: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>(ROWS)].filter((row) => row.closest("main") !== null);
  const open = router.place.alert !== null || router.place.device !== null;
  const at = rows.findIndex((row) =>
    open ? row.getAttribute("href") === location.pathname : row === document.activeElement,
  );
  const row = rows[at === -1 ? 0 : Math.max(0, Math.min(rows.length - 1, at + by))];
  const path = row?.getAttribute("href");
  if (open && path) openOver(path);
  row?.scrollIntoView({ block: "nearest" });
  if (!open) row?.focus({ preventScroll: true });
}
