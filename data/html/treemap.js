// SPDX-License-Identifier: LGPL-2.1-or-later
// Owners as rectangles, each as large as what it holds, retains or has in memory. One opens to those below it, with the mouse, or with Enter;
// Escape goes back up, arrows go from one to the next.
//
// Rectangles are as square as can be: Bruls, Huizing, van Wijk, "Squarified Treemaps" (2000). Rows of rectangles are put along the shorter
// side, each as long as its worst shape gets better by one more.

const LEAST_SHARE = 1 / 4000; // of the map: smaller ones are one rectangle together

// ---- the tree ----

const KINDS = { unknown: "alive, but no path leads there", libc: "libc's and the runtime's own", lost: "lost: nothing points to it" };

// What lost blocks look like, by group.
function lostGroups(leaks) {
	return (leaks ? leaks.groups : []).filter((group) => group.class === "definitely lost").map((group) => ({ kind: "lost", children: [],
		name: group.type || (group.beginning ? "text like \"" + group.beginning + "\"" : "group " + group.group) + (group.owner ? ", of " + group.owner : ""),
		holds: group.bytes, resident: group.resident, blocks: group.blocks, type: group.type }));
}

function ownerTree(report, leaks) {
	const total = report.in_use ? report.in_use.bytes : 0;
	const root = { name: "all in use", holds: total, blocks: report.in_use ? report.in_use.blocks : 0, children: [], kind: "all" };
	const way = [root];

	for (const row of report.rows) {
		const owner = { name: row.path, kind: "path", type: row.type, where: row.where, holds: row.bytes, own: row.own.bytes, retains: row.retained,
			resident: row.resident, outside: row.outside, blocks: row.blocks, certainty: row.certainty, children: [], isGroup: row.group };

		way.length = row.level + 1;
		way[row.level].children.push(owner);
		way.push(owner);
	}
	for (const other of report.others)
		root.children.push({ name: KINDS[other.kind] || other.kind, kind: other.kind, holds: other.bytes, blocks: other.blocks, children: other.kind === "lost" ? lostGroups(leaks) : [] });
	return root;
}

// The part of each child's name that its parent's has not.
function shortName(owner, parent) {
	return parent.kind === "path" && owner.name.startsWith(parent.name) && owner.name.length > parent.name.length ? owner.name.slice(parent.name.length) : owner.name;
}

// What is drawn of OWNER by METRIC: its children, the small ones together, and what it has itself.
function parts(owner, metric) {
	const children = owner.children.filter((child) => child[metric] > 0).sort((a, b) => b[metric] - a[metric]);
	const sum = children.reduce((bytes, child) => bytes + child[metric], 0);
	const whole = metric === "holds" ? Math.max(owner.holds, sum) : sum;
	const large = children.filter((child) => child[metric] >= whole * LEAST_SHARE);
	const shown = large.map((child) => ({ owner: child, bytes: child[metric], name: shortName(child, owner) }));
	const rest = whole - large.reduce((bytes, child) => bytes + child[metric], 0);

	if (rest > 0)
		shown.push({ owner: null, bytes: rest, name: owner.kind === "all" ? "smaller owners" : owner.kind === "lost" ? "other groups" : "its own, and smaller rows" });
	return { shown: shown.sort((a, b) => b.bytes - a.bytes), whole };
}

// ---- the rectangles ----

function worstShape(row, length, scale) {
	const sum = row.reduce((bytes, part) => bytes + part.bytes, 0) * scale;
	const most = row[0].bytes * scale, least = row[row.length - 1].bytes * scale;

	return Math.max(length * length * most / (sum * sum), sum * sum / (length * length * least));
}

// PARTS (largest first) in the rectangle: [{ part, x, y, width, height }].
function layOut(shown, x, y, width, height) {
	const placed = [], scale = width * height / shown.reduce((bytes, part) => bytes + part.bytes, 0);

	for (let next = 0; next < shown.length;) {
		const length = Math.min(width, height), row = [shown[next++]];

		while (next < shown.length && worstShape([...row, shown[next]], length, scale) <= worstShape(row, length, scale))
			row.push(shown[next++]);
		const sum = row.reduce((bytes, part) => bytes + part.bytes, 0) * scale, thickness = length > 0 ? sum / length : 0;
		let along = 0;

		for (const part of row) {
			const side = thickness > 0 ? part.bytes * scale / thickness : 0;

			placed.push(width >= height ? { part, x, y: y + along, width: thickness, height: side } : { part, x: x + along, y, width: side, height: thickness });
			along += side;
		}
		if (width >= height) {
			x += thickness;
			width -= thickness;
		} else {
			y += thickness;
			height -= thickness;
		}
	}
	return placed;
}

const METRICS = [["holds", "Holds", "each block once, where the best evidence leads"],
	["retains", "Retains", "what nothing would lead to without it; what two hold neither retains"],
	["resident", "Resident", "of what it holds, what is in memory"]];

class Treemap {
	constructor(report, leaks, commands) {
		this.root = ownerTree(report, leaks);
		this.commands = commands;
		this.way = [this.root];
		this.metric = "holds";
		this.map = make("div", { class: "treemap", role: "group", "aria-label": "Owners as rectangles" });
		this.crumbs = make("nav", { class: "crumbs", "aria-label": "Way to what is shown" });
		this.detail = make("div", { class: "detail", role: "status" });
		this.meaning = make("p", { class: "note" });
		this.element = make("div", {}, this.buildMetrics(), this.meaning, this.crumbs, this.map, this.detail);
		this.map.addEventListener("keydown", (event) => this.key(event));
		this.show();
		// Rectangles depend on the shape of the map, which is known once it is on the page.
		new ResizeObserver(() => this.show()).observe(this.map);
	}

	knows(metric) {
		const stack = [...this.root.children];

		while (stack.length) {
			const owner = stack.pop();

			if (owner[metric] > 0)
				return true;
			stack.push(...owner.children);
		}
		return false;
	}

	buildMetrics() {
		const known = METRICS.filter(([metric]) => this.knows(metric));

		return make("fieldset", { class: "choice" }, make("legend", {}, "Rectangles are as large as what an owner"), known.map(([metric, title]) =>
			make("label", {}, make("input", { type: "radio", name: "metric", value: metric, checked: metric === this.metric, change: () => {
				this.metric = metric;
				this.show();
			} }), metric === "resident" ? "has in memory" : title.toLowerCase())));
	}

	get shown() {
		return this.way[this.way.length - 1];
	}

	open(owner) {
		this.way.push(owner);
		this.show();
		this.focus(0);
	}

	up(count) {
		const from = this.shown;

		this.way.length = Math.max(1, this.way.length - count);
		this.show();
		this.focus(Math.max(0, this.tiles.findIndex((tile) => tile.owner === from)));
	}

	focus(index) {
		if (this.tiles[index])
			this.tiles[index].element.focus({ preventScroll: true });
	}

	key(event) {
		const index = this.tiles.findIndex((tile) => tile.element === document.activeElement);
		const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];

		if (step && index >= 0) {
			this.focus((index + step + this.tiles.length) % this.tiles.length);
			event.preventDefault();
		} else if ((event.key === "Escape" || event.key === "Backspace") && this.way.length > 1) {
			this.up(1);
			event.preventDefault();
		}
	}

	show() {
		const width = this.map.clientWidth || 900, height = this.map.clientHeight || 420;
		const { shown, whole } = parts(this.shown, this.metric);

		this.meaning.textContent = METRICS.find(([metric]) => metric === this.metric)[2] + ".";
		this.crumbs.replaceChildren(...this.way.map((owner, place) => place + 1 < this.way.length ?
			make("button", { type: "button", click: () => this.up(this.way.length - 1 - place) }, place ? shortName(owner, this.way[place - 1]) : owner.name) :
			make("strong", {}, place ? shortName(owner, this.way[place - 1]) : owner.name)));
		this.tiles = shown.length ? layOut(shown, 0, 0, width, height).map((place) => this.tile(place, whole, width, height)) : [];
		this.map.replaceChildren(...this.tiles.map((tile) => tile.element));
		if (!shown.length)
			this.map.append(make("p", { class: "empty" }, "No owner here is known to have any."));
		this.tell(this.shown, this.shown[this.metric], whole);
	}

	tile(place, whole, width, height) {
		const { part } = place, { owner } = part, opens = owner && owner.children.some((child) => child[this.metric] > 0);
		const isLabelled = place.width > 46 && place.height > 20;
		const says = printable(part.name) + ", " + sizeText(part.bytes) + ", " + shareText(part.bytes, whole) + (opens ? ", opens" : "");
		const element = make("button", { type: "button", class: "tile " + (owner ? "kind-" + owner.kind : "kind-rest") + (opens ? " opens" : ""),
			title: says + ", " + exactText(part.bytes), "aria-label": isLabelled ? null : says,
			style: { left: 100 * place.x / width + "%", top: 100 * place.y / height + "%", width: 100 * place.width / width + "%", height: 100 * place.height / height + "%" },
			click: () => opens ? this.open(owner) : this.tell(owner, part.bytes, whole, part.name),
			focus: () => this.tell(owner, part.bytes, whole, part.name), mouseenter: () => this.tell(owner, part.bytes, whole, part.name) });

		if (isLabelled)
			element.append(make("span", { class: "label" }, part.name), place.height > 38 ? make("span", { class: "figure" }, size(part.bytes)) : "");
		if (opens && place.width > 70 && place.height > 66)
			element.append(this.inner(owner, place.width, place.height));
		return { element, owner };
	}

	// What is below a rectangle, so that one sees what it is made of before it opens.
	inner(owner, width, height) {
		const inner = make("span", { class: "inner", "aria-hidden": "true" }), high = height - 42, wide = width - 8;

		for (const place of layOut(parts(owner, this.metric).shown, 0, 0, wide, high)) {
			inner.append(make("span", { class: "small", style: { left: 100 * place.x / wide + "%", top: 100 * place.y / high + "%",
				width: 100 * place.width / wide + "%", height: 100 * place.height / high + "%" } },
			place.width > 60 && place.height > 18 ? place.part.name : null));
		}
		return inner;
	}

	tell(owner, bytes, whole, name) {
		const rows = [];

		if (owner) {
			for (const [title, value] of [["holds", owner.holds], ["its own", owner.own], ["retains", owner.retains], ["resident", owner.resident], ["outside of malloc's memory", owner.outside || null]]) {
				if (value !== null && value !== undefined)
					rows.push(make("dt", {}, title), make("dd", {}, size(value)));
			}
			rows.push(make("dt", {}, "blocks"), make("dd", {}, countText(owner.blocks)));
			for (const [title, value] of [["type", owner.type], ["where", owner.where], ["certainty", owner.certainty]]) {
				if (value)
					rows.push(make("dt", {}, title), make("dd", {}, title === "type" ? code(value) : value));
			}
		} else {
			rows.push(make("dt", {}, "all of them"), make("dd", {}, size(bytes)));
		}
		const canAsk = owner && owner.kind === "path" && !owner.isGroup && isPlain(owner.name);

		this.detail.replaceChildren(make("p", {}, make("strong", {}, owner ? code(owner.name) : name), " ", whole > 0 && owner !== this.shown ? shareText(bytes, whole) + " of what is shown" : ""),
			make("dl", {}, rows), canAsk ? command(this.commands.owners + " " + quote(owner.name)) : "");
	}
}
