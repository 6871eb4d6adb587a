// SPDX-License-Identifier: LGPL-2.1-or-later
// What each of a few rows had in each snapshot: a line for each, all on one scale.

const LINES = 8;
const LABELS = 16;

function svgText(text, attributes) {
	const element = makeSvg("text", attributes);

	element.textContent = text;
	return element;
}

class LineChart {
	// ROWS: [{ name, steps }]. From left to right are the snapshots, one after the other: cores seldom tell when they were taken.
	constructor(name, rows) {
		this.rows = rows;
		this.count = rows[0].steps.length;
		this.most = Math.max(1, ...rows.flatMap((row) => row.steps));
		this.image = makeSvg("svg", { role: "img", class: "lines", "aria-label": name + ": " +
			rows.map((row) => row.name + " from " + sizeText(row.steps[0]) + " to " + sizeText(row.steps[this.count - 1])).join(", ") });
		this.element = make("figure", { class: "chart" }, this.image, make("ul", { class: "legend" }, rows.map((row, index) =>
			make("li", {}, make("span", { class: "swatch fill" + index, "aria-hidden": "true" }), make("span", { class: "name" }, row.name)))));
		this.width = 0;
		new ResizeObserver(() => this.draw(Math.min(this.element.clientWidth || 720, 960))).observe(this.element);
	}

	x(index) {
		return 76 + (this.width - 76 - 12) * (this.count > 1 ? index / (this.count - 1) : 0.5);
	}

	y(bytes) {
		return this.height - 28 - (this.height - 28 - 12) * Math.max(bytes, 0) / this.most;
	}

	draw(width) {
		if (width === this.width)
			return;
		this.width = width;
		this.height = Math.max(180, Math.min(280, width / 2.5));
		this.image.setAttribute("viewBox", "0 0 " + width + " " + this.height);
		this.image.style.maxWidth = width + "px";
		this.image.replaceChildren(...this.scale(), ...this.rows.flatMap((row, index) => this.line(row, index)));
	}

	scale() {
		const marks = [0, 0.5, 1].flatMap((share) => [
			makeSvg("line", { x1: 76, x2: this.width - 12, y1: this.y(share * this.most), y2: this.y(share * this.most), class: "grid" }),
			svgText(sizeText(Math.round(share * this.most)), { x: 68, y: this.y(share * this.most) + 4, "text-anchor": "end" })]);

		for (let i = 0; i < this.count; i++) {
			if (i % Math.ceil(this.count / LABELS) === 0 || i === this.count - 1)
				marks.push(svgText("#" + (i + 1), { x: this.x(i), y: this.height - 8, "text-anchor": i === 0 ? "start" : i === this.count - 1 ? "end" : "middle" }));
		}
		return marks;
	}

	line(row, index) {
		const points = row.steps.map((bytes, i) => {
			const title = makeSvg("title");

			title.textContent = printable(row.name) + ", #" + (i + 1) + ": " + exactText(bytes);
			return makeSvg("circle", { cx: this.x(i), cy: this.y(bytes), r: 4, class: "stroke" + index }, title);
		});

		return [makeSvg("polyline", { points: row.steps.map((bytes, i) => this.x(i).toFixed(1) + "," + this.y(bytes).toFixed(1)).join(" "), class: "line stroke" + index }), ...points];
	}
}
