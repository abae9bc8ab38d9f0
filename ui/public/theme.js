// Runs before the first paint, so that a light desk never flashes dark. A file of its own: the policy allows no inline code.
(function () {
  try {
    var theme = localStorage.getItem("ioc.theme");
    var language = localStorage.getItem("ioc.language");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
    if (language === "vi" || language === "en") document.documentElement.lang = language;
  } catch {
    // Storage may be forbidden: the defaults in the page stand.
  }
})();
