// Sorting by the headings of a table, and the words of a figure's points under pointer or finger.
for (const table of document.querySelectorAll("table.sort")) {
  const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0];
  heads.forEach((head, i) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.onclick = () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const value = (row) => row.cells[i].dataset.v ?? row.cells[i].textContent.trim();
      const empty = (v) => v === "";
      const compare = (a, b) => a !== "" && b !== "" && !isNaN(a) && !isNaN(b) ? a - b : a.localeCompare(b);
      const rows = [...body.rows].sort((r, s) => {
        const a = value(r), b = value(s);
        if (empty(a) || empty(b)) return empty(a) - empty(b);
        return up ? compare(a, b) : compare(b, a);
      });
      body.append(...rows);
    };
  });
}
const tip = document.createElement("div");
tip.className = "tooltip";
tip.hidden = true;
document.body.append(tip);
for (const point of document.querySelectorAll("svg .tip")) {
  const title = point.querySelector("title"), words = title.textContent;
  title.remove(); // else the browser shows it too
  const show = (event) => {
    tip.textContent = words;
    tip.hidden = false;
    const left = Math.min(event.clientX + 12, innerWidth - tip.offsetWidth - 8);
    tip.style.left = Math.max(8, left) + "px";
    tip.style.top = event.clientY + 14 + "px";
  };
  point.addEventListener("pointerenter", show);
  point.addEventListener("click", show);
  point.addEventListener("pointerleave", () => (tip.hidden = true));
}
