// SPDX-License-Identifier: LGPL-2.1-or-later
// The heap as it lies in memory: each cell is a stretch of it, filled from below by what is in it. So a heap that is fragmented is seen as cells that
// are nowhere full; and below a cell stands a mark where its free memory cannot go back, or where the blocks are that keep it.

const CONTENTS = [["program", "in use by the program"], ["lost", "lost"], ["libc", "libc's and the runtime's own"], ["other", "no chunk: padding, not malloc's, or not read"],
	["cached", "freed, in a thread's cache or a fastbin"], ["free", "free"], ["top", "free, the end of the arena"]];
const MARKS = [["pinned", "free memory that few blocks keep from going back"], ["pinning", "the blocks that keep it"]];
const ARENAS_OPEN = 12; // the largest; what others have opens with a click
const CELL_HIGH = 1.6, MARK_HIGH = 0.28, GAP = 0.14; // a cell is 1 wide
const LEAST_HIGH = 0.14; // a block of a few bytes in a cell that is free is what matters: it is seen

function arenaName(index) {
	return index === 0 ? "main arena" : "arena " + index;
}

class HeapMap {
	constructor(map, arenas) {
		this.map = map;
		this.place = new Map(map.contents.map((name, index) => [name, index]));
		this.detail = make("p", { class: "detail", role: "status" }, "Point at a cell, or move through the cells with the arrow keys, to read what is in it.");
		this.strips = [];
		const used = new Set(map.regions.flatMap((region) => region.cells).flatMap((cell) => map.contents.filter((name, index) => cell[index] > 0)));

		this.element = make("div", { class: "heapmap" }, make("p", {}, "A cell is ", size(map.cell_bytes), " of the heap, from low addresses to high ones, filled from below by what is in it; what there is little of is drawn larger than it is, so that it is seen."),
			make("ul", { class: "legend" }, [...CONTENTS, ...MARKS].filter(([name]) => used.has(name)).map(([name, title]) =>
				make("li", {}, make("span", { class: "swatch content-" + name, "aria-hidden": "true" }), title))),
			this.detail, this.arenas(arenas));
		new ResizeObserver(() => this.draw()).observe(this.element);
	}

	arenas(arenas) {
		const largest = new Set(arenas.slice().sort((a, b) => b.system_mem - a.system_mem).slice(0, ARENAS_OPEN));
		const others = arenas.filter((arena) => !largest.has(arena)).map((arena) => this.arena(arena)).filter((element) => element);

		return [arenas.filter((arena) => largest.has(arena)).map((arena) => this.arena(arena)),
			others.length ? make("details", {}, make("summary", {}, things(others.length, "smaller arenas")), others) : null];
	}

	arena(arena) {
		const regions = this.map.regions.filter((region) => region.arena === arena.index);

		if (!regions.length)
			return null;
		return make("div", { class: "arena" }, make("h3", {}, arenaName(arena.index)),
			note("From the system ", size(arena.system_mem), ", in use ", size(arena.in_use.bytes), ", free ", size(arena.free.bytes),
				", the longest free stretch ", size(arena.largest_free), arena.threads.length ? ", " + things(arena.threads.length, "threads") + " now" : "", "."),
			regions.map((region) => this.strip(arena, region)));
	}

	strip(arena, region) {
		const image = makeSvg("svg", { "aria-hidden": "true" });
		const holder = make("div", { class: "strip", tabindex: "0", role: "group", "aria-label": "Map of " + arenaName(arena.index) + " from " + region.start + " to " + region.end + ": " + this.sumText(region),
			keydown: (event) => this.key(event, strip), mousemove: (event) => this.point(event, strip), focus: () => this.select(strip, strip.selected) }, image);
		const strip = { region, image, holder, selected: 0, columns: 1 };

		this.strips.push(strip);
		return holder;
	}

	sumText(region) {
		const sums = this.map.contents.map((name, index) => [name, region.cells.reduce((bytes, cell) => bytes + cell[index], 0)]);

		return [...CONTENTS, ...MARKS].map(([name, title]) => [title, sums[this.place.get(name)][1]]).filter(([, bytes]) => bytes > 0)
			.map(([title, bytes]) => title + " " + sizeText(bytes)).join(", ");
	}

	draw() {
		const width = this.element.clientWidth || 900, columns = Math.max(24, Math.min(128, Math.floor(width / 11)));

		for (const strip of this.strips) {
			const cells = strip.region.cells.length, rows = Math.ceil(cells / columns), high = rows * (CELL_HIGH + MARK_HIGH + GAP);

			if (strip.columns === columns)
				continue;
			strip.columns = columns;
			strip.image.setAttribute("viewBox", "0 0 " + columns + " " + high.toFixed(2));
			strip.image.replaceChildren(...this.paths(strip), makeSvg("rect", { class: "cursor", width: 1, height: CELL_HIGH }));
			this.moveCursor(strip);
		}
	}

	// Where a cell stands, its upper left corner.
	corner(strip, index) {
		return [index % strip.columns, Math.floor(index / strip.columns) * (CELL_HIGH + MARK_HIGH + GAP)];
	}

	paths(strip) {
		const shapes = new Map([["empty", ""], ...[...CONTENTS, ...MARKS].map(([name]) => [name, ""])]);
		const box = (x, y, width, height) => "M" + x.toFixed(2) + " " + y.toFixed(3) + "h" + width.toFixed(2) + "v" + height.toFixed(3) + "h-" + width.toFixed(2) + "z";

		strip.region.cells.forEach((cell, index) => {
			const [x, y] = this.corner(strip, index), contents = CONTENTS.map(([name]) => [name, cell[this.place.get(name)]]).filter(([, bytes]) => bytes > 0);
			const whole = contents.reduce((bytes, [, part]) => bytes + part, 0), rest = CELL_HIGH - contents.length * LEAST_HIGH;
			let filled = y + CELL_HIGH;

			for (const [name, bytes] of contents) {
				const high = LEAST_HIGH + rest * bytes / whole;

				filled -= high;
				shapes.set(name, shapes.get(name) + box(x + 0.05, filled, 0.9, high));
			}
			for (const [name] of MARKS) {
				if (cell[this.place.get(name)] > 0)
					shapes.set(name, shapes.get(name) + box(name === "pinning" ? x + 0.3 : x + 0.05, y + CELL_HIGH + 0.05, name === "pinning" ? 0.4 : 0.9, MARK_HIGH));
			}
		});
		return [...shapes].filter(([, shape]) => shape).map(([name, shape]) => makeSvg("path", { d: shape, class: "content-" + name }));
	}

	moveCursor(strip) {
		const [x, y] = this.corner(strip, strip.selected), cursor = strip.image.querySelector(".cursor");

		if (cursor) {
			cursor.setAttribute("x", x);
			cursor.setAttribute("y", y);
		}
	}

	select(strip, index) {
		const cell = strip.region.cells[index], start = BigInt(strip.region.start) + BigInt(index) * BigInt(this.map.cell_bytes);

		strip.selected = index;
		this.moveCursor(strip);
		this.detail.replaceChildren(make("code", {}, "0x" + start.toString(16)), " in the " + arenaName(strip.region.arena) + ": ",
			...[...CONTENTS, ...MARKS].filter(([name]) => cell[this.place.get(name)] > 0)
				.flatMap(([name, title], place) => [place ? ", " : "", title + " ", size(cell[this.place.get(name)])]));
	}

	point(event, strip) {
		const box = strip.image.getBoundingClientRect(), unit = box.width / strip.columns;
		const column = Math.floor((event.clientX - box.left) / unit), row = Math.floor((event.clientY - box.top) / unit / (CELL_HIGH + MARK_HIGH + GAP));
		const index = row * strip.columns + column;

		if (column >= 0 && column < strip.columns && index >= 0 && index < strip.region.cells.length)
			this.select(strip, index);
	}

	key(event, strip) {
		const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: strip.columns, ArrowUp: -strip.columns, Home: -strip.selected, End: strip.region.cells.length - 1 - strip.selected }[event.key];

		if (step === undefined)
			return;
		const index = strip.selected + step;

		if (index >= 0 && index < strip.region.cells.length)
			this.select(strip, index);
		event.preventDefault();
	}
}
