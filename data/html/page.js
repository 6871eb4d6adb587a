// SPDX-License-Identifier: LGPL-2.1-or-later
// Begins: reads the data, and puts the page together.

function themeButton() {
	const root = document.documentElement, isDark = () => root.dataset.theme ? root.dataset.theme === "dark" : window.matchMedia("(prefers-color-scheme: dark)").matches;
	const name = () => isDark() ? "Light" : "Dark";
	const button = make("button", { type: "button", id: "theme", click: () => {
		root.dataset.theme = isDark() ? "light" : "dark";
		button.textContent = name();
	} }, name());

	return button;
}

function exactButton() {
	const button = make("button", { type: "button", id: "exact", "aria-pressed": "false", click: () => {
		showExact(!exact.on);
		button.setAttribute("aria-pressed", String(exact.on));
	} }, "Exact bytes");

	return button;
}

// The sections' titles where there is little room; others stay as they are.
const SHORT_TITLES = { memory: "Memory", owners: "Owners", leaks: "Lost", heap: "Heap", pins: "Free memory", types: "Types", mappings: "Address space",
	unread: "Not known", lines: "Over time", steady: "Steady", sizes: "Sizes", kernel: "Kernel" };

function begin() {
	const data = JSON.parse(document.getElementById("data").textContent);
	const parts = data.diff ? diffPage(data) : data.analyze ? analysisPage(data) : [make("p", {}, "The report is too large for a page: see it with --json.")];
	const main = document.getElementById("page");

	main.before(make("div", { class: "top" }, make("nav", { "aria-label": "Parts of the page" }, sections.map(({ id, title }) => make("a", { href: "#" + id, title }, SHORT_TITLES[id] ?? title))),
		make("div", { class: "switches" }, exactButton(), themeButton())));
	main.append(...parts.filter((part) => part));
	main.after(make("footer", {}, "heapcore " + data.heapcore + ". Sizes are exact when pointed at, or with the button above. The data of this page are the reports of heapcore as JSON, in the element \"data\"."));
}

begin();
