// SPDX-License-Identifier: LGPL-2.1-or-later
// What each of a few rows had in each snapshot: a line for each, all on one scale.

const LINES = 8;

// LINES: [{ name, steps }]. X are the snapshots, one after the other: cores seldom tell when they were taken.
function lineChart(name, lines) {
	const count = lines[0].steps.length, most = Math.max(1, ...lines.flatMap((line) => line.steps));
	const width = 720, height = 260, left = 76, right = 12, top = 12, bottom = 28;
	const x = (index) => left + (width - left - right) * (count > 1 ? index / (count - 1) : 0.5);
	const y = (bytes) => height - bottom - (height - top - bottom) * Math.max(bytes, 0) / most;
	const image = makeSvg("svg", { viewBox: "0 0 " + width + " " + height, role: "img", class: "lines",
		"aria-label": name + ": " + lines.map((line) => line.name + " from " + sizeText(line.steps[0]) + " to " + sizeText(line.steps[count - 1])).join(", ") });

	for (const share of [0, 0.5, 1]) {
		const label = makeSvg("text", { x: left - 8, y: y(share * most) + 4, "text-anchor": "end" });

		label.textContent = sizeText(Math.round(share * most));
		image.append(makeSvg("line", { x1: left, x2: width - right, y1: y(share * most), y2: y(share * most), class: "grid" }), label);
	}
	for (let i = 0; i < count; i++) {
		if (count > 16 && i % Math.ceil(count / 16) && i !== count - 1)
			continue;
		const label = makeSvg("text", { x: x(i), y: height - 8, "text-anchor": i ? i === count - 1 ? "end" : "middle" : "start" });

		label.textContent = "#" + (i + 1);
		image.append(label);
	}
	lines.forEach((line, index) => {
		const drawn = makeSvg("polyline", { points: line.steps.map((bytes, i) => x(i).toFixed(1) + "," + y(bytes).toFixed(1)).join(" "), class: "line stroke" + index });

		image.append(drawn);
		line.steps.forEach((bytes, i) => {
			const title = makeSvg("title"), point = makeSvg("circle", { cx: x(i), cy: y(bytes), r: 4, class: "stroke" + index }, title);

			title.textContent = printable(line.name) + ", #" + (i + 1) + ": " + exactText(bytes);
			image.append(point);
		});
	});
	return make("figure", { class: "chart" }, image, make("ul", { class: "legend" }, lines.map((line, index) =>
		make("li", {}, make("span", { class: "swatch fill" + index, "aria-hidden": "true" }), make("span", { class: "name" }, line.name)))));
}
