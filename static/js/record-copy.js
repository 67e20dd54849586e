// A link with data-copy goes to its place as any link does, and its whole address goes to the clipboard.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-copy]");
  if (link) navigator.clipboard?.writeText(link.href).catch(() => {});
});
