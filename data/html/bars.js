// SPDX-License-Identifier: LGPL-2.1-or-later
// Bars. Each is an image with a text that says the same; the table below has every figure.

const LEAST_SEGMENT = 0.15; // percent

// Rows side by side, as wide as their bytes. KEY: "bytes", "resident".
function stackedBar(name, rows, key, total, colours) {
	const parts = rows.filter((row) => row[key] > 0);
	const said = parts.map((row) => row.name + " " + sizeText(row[key]) + " (" + shareText(row[key], total) + ")").join(", ");

	return make("figure", { class: "bar" },
		make("figcaption", {}, name, " ", size(total)),
		make("div", { class: "stack", role: "img", "aria-label": name + ": " + said }, parts.map((row) =>
			make("span", { class: "segment colour" + colours.get(row.id), title: row.name + ": " + exactText(row[key]) + ", " + shareText(row[key], total),
				style: { width: Math.max(100 * row[key] / total, LEAST_SEGMENT) + "%" } }))));
}

// How growthBar() draws several of BYTES: zero is in the middle only if some are less.
function growthScale(bytes) {
	return { most: Math.max(1, ...bytes.map(Math.abs)), zero: bytes.some((one) => one < 0) ? 50 : 0 };
}

// A bar to the right of zero, or to the left of it.
function growthBar(bytes, scale) {
	const width = (100 - scale.zero) * Math.min(Math.abs(bytes) / scale.most, 1) + "%";

	return make("span", { class: scale.zero ? "grown middle" : "grown", "aria-hidden": "true" }, bytes ? make("span", { class: bytes < 0 ? "less" : "more",
		style: bytes < 0 ? { right: scale.zero + "%", width } : { left: scale.zero + "%", width } }) : null);
}

// A bar within a cell of a table: PART of WHOLE.
function shareBar(part, whole) {
	return make("span", { class: "share" }, make("span", { class: "sharebar", "aria-hidden": "true" },
		make("span", { style: { width: (whole > 0 ? 100 * Math.min(part / whole, 1) : 0) + "%" } })), shareText(part, whole));
}

// The rows of a memory table, each before its parts: { row, depth }.
function rowsInOrder(memory) {
	const ordered = [], stack = memory.rows.map((row) => ({ row, depth: 0 })).reverse();

	while (stack.length) {
		const next = stack.pop();

		ordered.push(next);
		if (next.depth < 8)
			stack.push(...memory.parts.filter((part) => part.of === next.row.id).map((row) => ({ row, depth: next.depth + 1 })).reverse());
	}
	return ordered;
}
