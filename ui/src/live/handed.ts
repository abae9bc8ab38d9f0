/** Says it when somebody hands an alert to this account: it waits until it is taken. */
import { t } from "../i18n/index.svelte";
import { alerts } from "./alerts.svelte";
import { session } from "./session.svelte";
import { toasts } from "./toasts.svelte";

/** Watch until the returned function is called. */
export function watchHanded(): () => void {
  return alerts.listen((alert, before) => {
    const me = session.who?.username;
    if (!me || alert.owner !== me || alert.state !== "new" || alert.assigned_by === me) return;
    if (!before || before.assigned_at === alert.assigned_at) return; // the list itself shows what waited already
    toasts.show(t("toast.handed", { number: alert.number, who: alert.assigned_by ?? "" }));
  });
}
