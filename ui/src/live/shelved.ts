/** Says it when an alert that was put aside is back because its time is over. */
import { isBackByItself } from "../api/alerts";
import { t } from "../i18n/index.svelte";
import { alerts } from "./alerts.svelte";
import { clock } from "./clock.svelte";
import { toasts } from "./toasts.svelte";

/** Watch until the returned function is called. */
export function watchShelved(): () => void {
  return alerts.listen((alert, before) => {
    if (isBackByItself(alert, before, clock.now)) toasts.show(t("toast.back", { number: alert.number }));
  });
}
