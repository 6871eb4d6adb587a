// SPDX-License-Identifier: LGPL-2.1-or-later
// Pages of heapcore: what all of their parts share. The data are the reports of `--json`, in the element "data"; docs/pages.md.
//
//	basics.js	elements, text, figures, commands to copy, sections
//	table.js	tables that sort and filter
//	bars.js		bars: the memory table, growth
//	treemap.js	owners as rectangles that open
//	heapmap.js	the heap in cells
//	lines.js	what each cause had in each snapshot
//	analysis.js	the page of analyze
//	diff.js		the page of diff
//	page.js		begins
//
// All that comes from a core is untrusted. It becomes text nodes, by make(), and attributes that have no meaning but text; never markup, an
// address to go to, or a name of a class.
"use strict";

const SVG = "http://www.w3.org/2000/svg";
const ABSENT = "\u2013";

// Control characters, and those that are not seen or turn the order of text around, are written out: \u202e.
function printable(text) {
	return String(text).replace(/[\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202f\u205f-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb]/g,
		(letter) => "\\u" + letter.charCodeAt(0).toString(16).padStart(4, "0"));
}

function setAttribute(element, name, value) {
	if (value === null || value === undefined || value === false)
		return;
	if (name === "style")
		Object.assign(element.style, value); // an attribute would be forbidden
	else if (typeof value === "function")
		element.addEventListener(name, value);
	else
		element.setAttribute(name, value === true ? "" : printable(value));
}

// An element. Attributes that are functions listen; children are nodes, texts, lists of these, or null.
function make(tag, attributes, ...children) {
	const element = document.createElement(tag);

	for (const [name, value] of Object.entries(attributes || {}))
		setAttribute(element, name, value);
	for (const child of children.flat(3)) {
		if (child !== null && child !== undefined && child !== false)
			element.append(child instanceof Node ? child : printable(child));
	}
	return element;
}

function makeSvg(tag, attributes, ...children) {
	const element = document.createElementNS(SVG, tag);

	for (const [name, value] of Object.entries(attributes || {}))
		setAttribute(element, name, value);
	element.append(...children);
	return element;
}

// ---- figures, as heapcore's text has them ----

const UNITS = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
const exact = { on: false };

function countText(number) {
	return String(number).replace(/\B(?=(\d{3})+$)/g, ",");
}

function sizeText(bytes) {
	let value = Math.abs(bytes) / 1024, unit = 0;

	if (Math.abs(bytes) < 1024)
		return bytes + " B";
	for (; value >= 1023.95 && unit + 1 < UNITS.length; unit++)
		value /= 1024;
	return (bytes < 0 ? "-" : "") + value.toFixed(1) + " " + UNITS[unit];
}

function growthText(bytes) {
	return (bytes > 0 ? "+" : "") + sizeText(bytes);
}

function exactText(bytes, isGrowth) {
	return (bytes < 0 ? "-" : bytes > 0 && isGrowth ? "+" : "") + countText(Math.abs(bytes)) + (Math.abs(bytes) === 1 ? " byte" : " bytes");
}

function shareText(part, whole) {
	return whole > 0 ? (100 * part / whole).toFixed(1) + "%" : "";
}

function figureText(bytes, isGrowth) {
	if (exact.on)
		return exactText(bytes, isGrowth);
	return isGrowth ? growthText(bytes) : sizeText(bytes);
}

// Bytes, which show themselves exactly when pointed at, or all at once (showExact()).
function size(bytes, isGrowth) {
	if (bytes === null || bytes === undefined)
		return make("span", { class: "none" }, ABSENT);
	return make("data", { class: isGrowth ? "size growth" : "size", value: bytes, title: exactText(bytes, isGrowth) }, figureText(bytes, isGrowth));
}

function showExact(on) {
	exact.on = on;
	for (const element of document.querySelectorAll("data.size"))
		element.textContent = figureText(Number(element.getAttribute("value")), element.classList.contains("growth"));
}

// "1 block", "20,580 blocks"
function things(count, unit) {
	return countText(count) + " " + (count === 1 ? unit.replace(/s$/, "") : unit);
}

// Names of paths and types, which may be broken where a name may.
function code(text) {
	const element = make("code", { dir: "ltr" });

	for (const part of printable(text).split(/(?<=::|->|[,.\/_&\]>])/))
		element.append(part, document.createElement("wbr"));
	return element;
}

// ---- commands ----

function quote(word) {
	return /^[A-Za-z0-9_.,:\/=+@%-]+$/.test(word) ? word : "'" + word.replace(/'/g, "'\\''") + "'";
}

// Whether WORD can stand on a command line and still look like what it is.
function isPlain(word) {
	return printable(word) === word && !word.includes("\u2026");
}

async function copyText(text, element) {
	try {
		await navigator.clipboard.writeText(text);
	} catch (error) { // not in every browser, of a page that is a file
		const range = document.createRange(), selection = window.getSelection();

		range.selectNodeContents(element);
		selection.removeAllRanges();
		selection.addRange(range);
		document.execCommand("copy");
	}
}

function command(line) {
	const text = make("code", { class: "line" }, line), button = make("button", { type: "button", class: "copy", "aria-label": "Copy: " + line }, "Copy");

	button.addEventListener("click", async () => {
		await copyText(line, text);
		button.textContent = "Copied";
		window.setTimeout(() => { button.textContent = "Copy"; }, 1500);
	});
	return make("div", { class: "command" }, text, button);
}

// ---- sections ----

const sections = [];

// A part of the page with a heading, which the list at the top leads to. What is null is left out.
function section(id, title, ...content) {
	if (content.flat(3).every((part) => part === null || part === undefined))
		return null;
	sections.push({ id, title });
	return make("section", { id, "aria-labelledby": id + "-title" }, make("h2", { id: id + "-title" }, title), content);
}

function note(...content) {
	return make("p", { class: "note" }, content);
}

// What is said where the page has fewer rows than the report; null if it has all.
function leftOutNote(report, list, what) {
	const gone = report.left_out_here[list];

	return gone ? note(countText(gone.rows) + " more " + what + (gone.bytes ? ", " : ""), gone.bytes ? size(gone.bytes) : null,
		", are left out of this page, the smallest: it has a limit. ") : null;
}

function diagnosticText(diagnostic) {
	const amount = diagnostic.bytes ? sizeText(diagnostic.bytes) : countText(diagnostic.count);

	return amount + " " + diagnostic.text;
}

function diagnosticsList(diagnostics) {
	if (!diagnostics.length)
		return null;
	return make("ul", { class: "diagnostics" }, diagnostics.map((one) => make("li", { class: one.severity },
		make("strong", {}, one.severity === "partial" ? "Not read: " : "Note: "), diagnosticText(one),
		one.example ? make("span", { class: "dim" }, " (first: ", one.example, ")") : null)));
}
