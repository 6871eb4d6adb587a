// SPDX-License-Identifier: LGPL-2.1-or-later
// The page of diff.

const TRENDS = { growing: "grows at every step", stopped: "has stopped growing", unsteady: "grows unsteadily", steady: "steady", unknown: "" };

// Those that may have no name of their own.
const CAUSES = { leak: "blocks that nothing points to", held: "what something unknown points to", retained: "free memory that malloc keeps", overhead: "malloc's own, and libc's", "big-buffers": "big buffers" };

function changeText(before, after) {
	return before || after ? countText(before) + " \u2192 " + countText(after) : "";
}

function causesList(report) {
	if (!report.sentences.length)
		return null;
	const scale = growthScale(report.sentences.map((cause) => cause.bytes));

	return make("ol", { class: "causes" }, report.sentences.map((cause) => make("li", { class: cause.kind === "leak" ? "bad" : "" },
		make("div", { class: "cause" }, growthBar(cause.bytes, scale), make("span", { class: "amount" }, size(cause.bytes, true)),
			make("span", { class: "dim" }, cause.share === null ? "" : shareText(cause.share, 1) + " of the growth"),
			cause.resident !== null ? make("span", { class: "dim" }, "resident ", size(cause.resident, true)) : null,
			make("span", { class: "kind" }, cause.kind), make("span", { class: "kind" }, cause.confidence), TRENDS[cause.trend] ? make("span", { class: "kind" }, TRENDS[cause.trend]) : null),
		report.verdict.includes(cause.text) ? make("p", {}, make("strong", {}, cause.name || CAUSES[cause.kind] || cause.kind)) : make("p", {}, cause.text), cause.command && isPlain(cause.command) ? command(cause.command) : null)));
}

function attributionTable(report) {
	const scale = growthScale(report.attribution.map((row) => row.bytes));
	const columns = [
		{ title: "What", kind: "code", value: (row) => row.name },
		{ title: "Kind", kind: "text", value: (row) => row.kind },
		{ title: "First", kind: "size", value: (row) => row.before },
		{ title: "Last", kind: "size", value: (row) => row.after },
		{ title: "Growth", kind: "growth", value: (row) => row.bytes },
		{ title: "Bar", kind: "number", value: (row) => Math.abs(row.bytes), node: (row) => growthBar(row.bytes, scale) },
		{ title: "Share", kind: "share", value: (row) => row.share },
		{ title: "Resident", kind: "growth", value: (row) => row.resident },
		{ title: "Blocks", kind: "number", value: (row) => row.blocks_after - row.blocks_before, node: (row) => make("span", {}, changeText(row.blocks_before, row.blocks_after)) },
		{ title: "Elements", kind: "number", value: (row) => row.elements_after === null ? null : row.elements_after - row.elements_before,
			node: (row, value) => make("span", {}, value === null ? "" : changeText(row.elements_before, row.elements_after)) },
		{ title: "Trend", kind: "text", value: (row) => TRENDS[row.trend] },
		{ title: "Type", kind: "code", value: (row) => row.type },
		{ title: "Where", kind: "text", value: (row) => row.where },
	];

	return table("The growth, shared out", columns, report.attribution);
}

function linesSection(report) {
	const rows = report.attribution.filter((row) => row.kind !== "rest" && row.steps.some((bytes) => bytes > 0)).sort((a, b) => Math.abs(b.bytes) - Math.abs(a.bytes)).slice(0, LINES);

	if (!rows.length)
		return null;
	const columns = [{ title: "Snapshot", kind: "number", value: (row) => row.index + 1 }, { title: "Core", kind: "code", value: (row) => row.core },
		...rows.map((row) => ({ title: row.name, kind: "size", value: (at) => row.steps[at.index] }))];
	const all = rows[0].steps.map((bytes, index) => ({ index, core: report.snapshots[index]?.process.core }));

	return section("lines", "Over time", new LineChart("Bytes in each of " + all.length + " snapshots", rows).element, table("Bytes in each snapshot", columns, all), leftOutNote(report, "snapshots", "snapshots"));
}

function steadySection(report) {
	const columns = [
		{ title: "What", kind: "code", value: (row) => row.name },
		{ title: "Kind", kind: "text", value: (row) => row.kind },
		{ title: "First", kind: "size", value: (row) => row.before },
		{ title: "Last", kind: "size", value: (row) => row.after },
		{ title: "Elements", kind: "number", value: (row) => row.elements_after, node: (row, value) => make("span", {}, value === null ? "" : changeText(row.elements_before, value)) },
		{ title: "Where", kind: "text", value: (row) => row.where },
	];

	return section("steady", "What stayed still", table("What did not grow", columns, report.steady), leftOutNote(report, "steady", "rows"));
}

function memoryGrowthSection(report) {
	const { memory } = report, rows = rowsInOrder(memory).filter(({ row }) => row.bytes_a || row.bytes_b);
	const scale = growthScale(rows.map(({ row }) => row.growth || 0));
	const columns = [
		{ title: "Memory table", kind: "text", value: ({ row }) => row.name, node: ({ row, depth }) => make("span", { style: { paddingLeft: 1.2 * depth + "em" } }, row.name) },
		{ title: "First", kind: "size", value: ({ row }) => row.bytes_a },
		{ title: "Last", kind: "size", value: ({ row }) => row.bytes_b },
		{ title: "Growth", kind: "growth", value: ({ row }) => row.growth },
		{ title: "Bar", kind: "number", value: ({ row }) => row.growth === null ? null : Math.abs(row.growth), node: ({ row }) => growthBar(row.growth || 0, scale) },
		{ title: "Resident, first", kind: "size", value: ({ row }) => row.resident_a },
		{ title: "Resident, last", kind: "size", value: ({ row }) => row.resident_b },
		{ title: "Resident growth", kind: "growth", value: ({ row }) => row.resident_growth },
	];

	return section("memory", "Where the memory is", make("p", {}, "Mapped address space: ", size(memory.total_a), " \u2192 ", size(memory.total_b), ", ", size(memory.growth, true),
		memory.resident_growth === null ? "; what of it is resident is not known." : ["; resident ", size(memory.resident_growth, true), "."]), table("The memory tables", columns, rows));
}

function sizesSection(report) {
	const columns = [
		{ title: "Blocks of size", kind: "count", value: (row) => row.size },
		{ title: "First", kind: "count", value: (row) => row.blocks_a },
		{ title: "Last", kind: "count", value: (row) => row.blocks_b },
		{ title: "Growth", kind: "growth", value: (row) => row.growth },
		{ title: "Lost, first", kind: "count", value: (row) => row.lost_a },
		{ title: "Lost, last", kind: "count", value: (row) => row.lost_b },
	];

	return section("sizes", "Sizes of blocks", table("Sizes whose blocks changed in number", columns, report.sizes), leftOutNote(report, "sizes", "sizes"));
}

function keptSection(report, commands) {
	const columns = [
		{ title: "What pins", kind: "code", value: (row) => row.name },
		{ title: "Blocks", kind: "count", value: (row) => row.blocks },
		{ title: "Their bytes", kind: "size", value: (row) => row.bytes },
		{ title: "They pin", kind: "size", value: (row) => row.pinned },
	];
	const { retained } = report;

	return section("pins", "Free memory, in the last one", make("p", {}, "malloc keeps ", size(retained.free), "; malloc_trim(0) would give back ", size(retained.trim), "."),
		retained.advice ? make("p", {}, retained.advice) : null, table("What pins it", columns, retained.holders), command(commands.pins));
}

function socketsSection(report) {
	if (!report.side_facts || !report.side_facts.a || !report.side_facts.b)
		return null;
	const { a, b } = report.side_facts;
	const facts = [["Resident", a.resident, b.resident], ["Proportional", a.proportional, b.proportional], ["Swapped", a.swapped, b.swapped], ["Page tables", a.page_tables, b.page_tables],
		["Unread in sockets", a.sockets?.unread, b.sockets?.unread], ["Unsent in sockets", a.sockets?.unsent, b.sockets?.unsent],
		["Control group", a.cgroup?.used, b.cgroup?.used], ["Its kernel memory", a.cgroup?.kernel, b.cgroup?.kernel]]
		.filter(([, first, last]) => Number.isFinite(first) && Number.isFinite(last)).map(([name, first, last]) => ({ name, first, last }));
	const columns = [
		{ title: "Beside the cores", kind: "text", value: (row) => row.name },
		{ title: "First", kind: "size", value: (row) => row.first },
		{ title: "Last", kind: "size", value: (row) => row.last },
		{ title: "Growth", kind: "growth", value: (row) => row.last - row.first },
	];

	return section("kernel", "What the kernel says", table("What captures tell beside the cores", columns, facts));
}

function verdictText(report) {
	return report.verdict.split("\n").filter((line) => line).map((line, place) => make("p", { class: place ? "" : "first" }, line));
}

function unreadSection(report) {
	const lists = report.snapshots.map((snapshot, index) => ({ index, list: diagnosticsList(snapshot.diagnostics) })).filter((one) => one.list);

	return section("unread", "What could not be read", lists.map((one) => [make("h3", {}, "Snapshot " + (one.index + 1)), one.list]));
}

function diffPage(page) {
	const report = page.diff, { commands } = page;

	return [
		make("header", {}, make("h1", {}, page.title), make("p", {}, report.sameness_text),
			make("ol", { class: "dim cores" }, report.snapshots.slice(0, 20).map((snapshot) => make("li", {}, code(snapshot.process.core))),
				report.snapshots.length > 20 ? make("li", {}, "and " + (report.snapshots.length - 20) + " more") : null)),
		section("verdict", "Verdict", make("div", { class: "verdict" }, verdictText(report)),
			report.status === "partial" ? note("A core was read in part: what could not be read stands at the end.") : null),
		section("causes", "What grew", causesList(report), attributionTable(report), leftOutNote(report, "attribution", "rows")),
		linesSection(report), steadySection(report), memoryGrowthSection(report), sizesSection(report), keptSection(report, commands), socketsSection(report), unreadSection(report),
	];
}
