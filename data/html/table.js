// SPDX-License-Identifier: LGPL-2.1-or-later
// Tables that sort by each column, and are filtered by words. A column is
//
//	{ title, kind, value(row), node(row, value) }
//
// KIND is "text", "code", "size", "growth", "count", "share" (of 1) or "number" (nothing is made of it); VALUE is what is sorted and searched; NODE,
// which need not be there, what is shown. A column without any value is left out.

const ROWS_AT_FIRST = 15;
const NUMERIC = new Set(["size", "growth", "count", "share", "number"]);

function cellNode(column, row) {
	const value = column.value(row);

	if (column.node)
		return column.node(row, value);
	if (value === null || value === undefined || value === "")
		return make("span", { class: "none" }, NUMERIC.has(column.kind) ? ABSENT : "");
	switch (column.kind) {
	case "code":
		return code(value);
	case "size":
		return size(value);
	case "growth":
		return size(value, true);
	case "count":
		return make("span", {}, countText(value));
	case "share":
		return make("span", {}, shareText(value, 1));
	default:
		return make("span", {}, value);
	}
}

function compareValues(a, b) {
	if (typeof a === "number" && typeof b === "number")
		return a - b;
	return String(a).localeCompare(String(b), "en", { numeric: true });
}

// What has no value comes last, whatever the order.
function sortedRows(rows, column, direction) {
	const keyed = rows.map((row, place) => ({ row, place, value: column.value(row) }));
	const isMissing = (value) => value === null || value === undefined || value === "";

	keyed.sort((a, b) => {
		if (isMissing(a.value) || isMissing(b.value))
			return isMissing(a.value) - isMissing(b.value) || a.place - b.place;
		return direction * compareValues(a.value, b.value) || a.place - b.place;
	});
	return keyed.map((one) => one.row);
}

class SortedTable {
	constructor(name, columns, rows) {
		this.name = name;
		this.rows = rows;
		this.columns = columns.filter((column) => rows.some((row) => {
			const value = column.value(row);

			return value !== null && value !== undefined && value !== "";
		}));
		this.column = null; // as the report has them
		this.direction = 1;
		this.words = [];
		this.isWhole = false;
		this.texts = new Map();
		this.element = this.build();
		this.show();
	}

	build() {
		this.heads = this.columns.map((column, index) => make("th", { scope: "col", class: NUMERIC.has(column.kind) ? "number" : "" },
			make("button", { type: "button", click: () => this.sortBy(index) }, column.title, make("span", { class: "arrow", "aria-hidden": "true" }))));
		this.body = make("tbody");
		this.status = make("span", { class: "status", role: "status" });
		this.more = make("button", { type: "button", class: "more", click: () => {
			this.isWhole = true;
			this.show();
		} });
		const filter = make("input", { type: "search", placeholder: "words that rows have", spellcheck: "false", autocomplete: "off",
			input: (event) => this.filter(event.target.value) });

		return make("div", { class: "table" },
			make("div", { class: "tools" }, this.rows.length > 5 ? make("label", {}, "Filter ", filter) : null, this.status),
			make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": this.name + " (table)" },
				make("table", {}, make("caption", {}, this.name), make("thead", {}, make("tr", {}, this.heads)), this.body)),
			this.more);
	}

	sortBy(index) {
		const isSame = this.column === this.columns[index];

		this.column = this.columns[index];
		this.direction = isSame ? -this.direction : NUMERIC.has(this.column.kind) ? -1 : 1;
		this.heads.forEach((head, place) => {
			if (place === index)
				head.setAttribute("aria-sort", this.direction > 0 ? "ascending" : "descending");
			else
				head.removeAttribute("aria-sort");
		});
		this.show();
	}

	filter(text) {
		this.words = text.toLowerCase().split(/\s+/).filter((word) => word);
		this.show();
	}

	textOf(row) {
		if (!this.texts.has(row))
			this.texts.set(row, this.columns.map((column) => printable(column.value(row) ?? "")).join("\n").toLowerCase());
		return this.texts.get(row);
	}

	show() {
		const found = this.words.length ? this.rows.filter((row) => this.words.every((word) => this.textOf(row).includes(word))) : this.rows;
		const sorted = this.column ? sortedRows(found, this.column, this.direction) : found;
		const shown = this.isWhole ? sorted : sorted.slice(0, ROWS_AT_FIRST);

		this.body.replaceChildren(...shown.map((row) => make("tr", {}, this.columns.map((column) =>
			make("td", { class: NUMERIC.has(column.kind) ? "number" : column.kind }, cellNode(column, row))))));
		this.status.textContent = this.words.length ? countText(found.length) + " of " + things(this.rows.length, "rows") : things(this.rows.length, "rows");
		this.more.hidden = shown.length === sorted.length;
		this.more.textContent = "Show all " + countText(sorted.length);
	}
}

// A table of ROWS; null if there are none.
function table(name, columns, rows) {
	return rows.length ? new SortedTable(name, columns, rows).element : null;
}
