// SPDX-License-Identifier: LGPL-2.1-or-later
// The page of analyze.

const SIZES_SHOWN = 4;

// The colour of each row of the memory table, in the bar and beside its name.
function rowColours(rows) {
	const colours = new Map();

	rows.forEach((row) => colours.set(row.id, colours.size % 14));
	return colours;
}

function findingsList(report) {
	if (!report.findings.length)
		return make("p", {}, "Nothing stands out: no lost blocks, nothing that piles up, no free memory to speak of.");
	return make("ol", { class: "findings" }, report.findings.map((finding) => make("li", { class: finding.kind === "lost" || finding.kind === "corrupt" ? "bad" : "" },
		make("p", {}, make("span", { class: "kind" }, finding.kind), " ", size(finding.bytes), finding.blocks ? " in " + things(finding.blocks, "blocks") : ""),
		make("p", {}, finding.text), finding.command && isPlain(finding.command) ? command(finding.command) : null)));
}

function memoryTable(memory, colours) {
	const whole = memory.rows.filter((row) => row.memory).reduce((bytes, row) => bytes + row.bytes, 0);
	const rows = rowsInOrder(memory).filter(({ row }) => row.bytes || row.count);
	const columns = [
		{ title: "Where the memory is", kind: "text", value: ({ row }) => row.name, node: ({ row, depth }) => make("span", { style: { paddingLeft: 1.2 * depth + "em" } },
			colours.has(row.id) ? make("span", { class: "swatch colour" + colours.get(row.id), "aria-hidden": "true" }) : null, row.name) },
		{ title: "Mapped", kind: "size", value: ({ row }) => row.bytes },
		{ title: "Resident", kind: "size", value: ({ row }) => row.resident },
		{ title: "Swapped", kind: "size", value: ({ row }) => row.swapped || null },
		{ title: "Share", kind: "share", value: ({ row }) => row.memory && whole ? row.bytes / whole : null },
		{ title: "How many", kind: "count", value: ({ row }) => row.count, node: ({ row }) => row.count === null ? "" : make("span", {}, things(row.count, row.unit)) },
		{ title: "What it is", kind: "text", value: ({ row }) => row.note },
	];

	return table("The memory table", columns, rows);
}

function memorySection(report) {
	const { memory } = report, isMemory = memory.rows.filter((row) => row.memory && row.bytes);
	const coloured = isMemory.slice().sort((a, b) => b.bytes - a.bytes), colours = rowColours(coloured);
	const whole = isMemory.reduce((bytes, row) => bytes + row.bytes, 0), resident = isMemory.reduce((bytes, row) => bytes + (row.resident || 0), 0);

	return section("memory", "Where the memory is", whole ? stackedBar("Memory", isMemory, "bytes", whole, colours) : null,
		memory.resident !== null && resident ? stackedBar("Resident", isMemory, "resident", resident, colours) : null,
		note("Mapped address space: ", size(memory.total), memory.resident === null ? ". What of it was resident is not known: only captures tell." :
			[", resident ", size(memory.resident), memory.swapped ? [", swapped out ", size(memory.swapped)] : null, "."]),
		memoryTable(memory, colours), leftOutNote(report, "memory.runtimes", "runtimes"));
}

function ownersSection(report, leaks, commands) {
	if (!report || !report.in_use)
		return null;
	const columns = [
		{ title: "Owner", kind: "code", value: (row) => row.path },
		{ title: "Type", kind: "code", value: (row) => row.type },
		{ title: "Holds", kind: "size", value: (row) => row.bytes },
		{ title: "Share", kind: "number", value: (row) => row.bytes, node: (row) => shareBar(row.bytes, report.in_use.bytes) },
		{ title: "Own", kind: "size", value: (row) => row.own.bytes },
		{ title: "Retains", kind: "size", value: (row) => row.retained },
		{ title: "Resident", kind: "size", value: (row) => row.resident },
		{ title: "Outside", kind: "size", value: (row) => row.outside || null },
		{ title: "Blocks", kind: "count", value: (row) => row.blocks },
		{ title: "Level", kind: "number", value: (row) => row.level },
		{ title: "Where", kind: "text", value: (row) => row.where },
		{ title: "Certainty", kind: "text", value: (row) => row.certainty },
		{ title: "Told by", kind: "text", value: (row) => row.told_by },
	];
	const others = report.left_out.rows + report.left_out.rows_below;

	return section("owners", "Who holds it", make("p", {}, report.summary), new Treemap(report, leaks, commands).element,
		table("Owners", columns, report.rows),
		others ? note(countText(others) + " smaller rows are not here; " + "the command shows them with --min 0 --limit 0 --depth 99.") : null,
		leftOutNote(report, "rows", "rows"), command(commands.owners));
}

// "192 x 376 B, 192 x 744 B, and 50 other sizes"
function sizesText(sizes) {
	const named = sizes.filter((one) => one.size !== null), texts = named.slice(0, SIZES_SHOWN).map((one) => countText(one.blocks) + " x " + sizeText(one.size));

	if (sizes.length > texts.length)
		texts.push(named.length < sizes.length ? "and other sizes" : "and " + things(sizes.length - texts.length, "other sizes"));
	return texts.join(", ");
}

function leaksSection(report, commands) {
	if (!report || !report.groups.length)
		return null;
	const columns = [
		{ title: "Group", kind: "number", value: (row) => row.group },
		{ title: "Kind", kind: "text", value: (row) => row.class },
		{ title: "Bytes", kind: "size", value: (row) => row.bytes },
		{ title: "Resident", kind: "size", value: (row) => row.resident },
		{ title: "Blocks", kind: "count", value: (row) => row.blocks },
		{ title: "Heads", kind: "count", value: (row) => row.trees },
		{ title: "Likely owner", kind: "text", value: (row) => row.owner },
		{ title: "Type", kind: "code", value: (row) => row.type },
		{ title: "Begins with", kind: "code", value: (row) => row.beginning || row.sample },
		{ title: "Sizes", kind: "text", value: (row) => sizesText(row.sizes) },
		{ title: "Still points there", kind: "text", value: (row) => row.evidence.map((one) => one.text).join("; ") },
		{ title: "Example", kind: "code", value: (row) => row.examples[0] },
	];
	const { totals } = report;

	return section("leaks", "What was lost",
		totals ? make("p", {}, "Definitely lost: ", size(totals.definitely_lost.bytes), " in " + things(totals.definitely_lost.blocks, "blocks") + ". Indirectly: ", size(totals.indirectly_lost.bytes),
			" in " + things(totals.indirectly_lost.blocks, "blocks") + ". Possibly: ", size(totals.possibly_lost.bytes), " in " + things(totals.possibly_lost.blocks, "blocks") + ".") : null,
		report.missing.length ? note("The core lacks memory that may point to them: all of this is an upper bound.") : null,
		table("Groups of lost blocks", columns, report.groups),
		report.group_count > report.groups.length + (report.left_out_here.groups?.rows || 0) ? note(countText(report.group_count) + " groups in all: the largest are here.") : null,
		leftOutNote(report, "groups", "groups"), command(commands.leaks));
}

function containersSection(report, commands) {
	if (!report || !report.containers.length)
		return null;
	const columns = [
		{ title: "Container", kind: "code", value: (row) => row.path },
		{ title: "Type", kind: "code", value: (row) => row.type },
		{ title: "Elements", kind: "count", value: (row) => row.elements },
		{ title: "Below", kind: "size", value: (row) => row.bytes_below },
		{ title: "Own", kind: "size", value: (row) => row.bytes_own },
		{ title: "Retains", kind: "size", value: (row) => row.retained },
		{ title: "Resident", kind: "size", value: (row) => row.resident },
		{ title: "Fill", kind: "share", value: (row) => row.fill },
		{ title: "How many", kind: "count", value: (row) => row.count },
		{ title: "Read", kind: "text", value: (row) => row.grade },
		{ title: "Certainty", kind: "text", value: (row) => row.certainty },
		{ title: "Where", kind: "text", value: (row) => row.where },
		{ title: "Keys", kind: "code", value: (row) => row.keys ? row.keys.slice(0, 3).join(", ") : null },
	];

	return section("containers", "Containers", table("Containers", columns, report.containers),
		report.total > report.containers.length + (report.left_out_here.containers?.rows || 0) ? note(countText(report.total) + " rows in all: the largest are here.") : null,
		leftOutNote(report, "containers", "containers"), command(commands.containers));
}

function typesSection(report, commands) {
	if (!report || !report.types.length)
		return null;
	const columns = [
		{ title: "Type", kind: "code", value: (row) => row.type },
		{ title: "Certainty", kind: "text", value: (row) => row.certainty },
		{ title: "Blocks", kind: "count", value: (row) => row.count },
		{ title: "Bytes", kind: "size", value: (row) => row.bytes },
		{ title: "Resident", kind: "size", value: (row) => row.resident },
		{ title: "First found at", kind: "code", value: (row) => row.path },
		{ title: "Example", kind: "code", value: (row) => row.example },
	];
	const { coverage } = report, kinds = ["certain", "deduced", "guess", "unknown"];

	return section("types", "What the blocks are", make("p", {}, "By certainty: ", kinds.map((kind, place) => [place ? ", " : "", kind + " ", size(coverage[kind].bytes)]), "."),
		table("Types", columns, report.types), leftOutNote(report, "types", "types"), command(commands.types));
}

function heapSection(page, report, commands) {
	const columns = [
		{ title: "Arena", kind: "text", value: (row) => row.index === 0 ? "main" : String(row.index) },
		{ title: "From the system", kind: "size", value: (row) => row.system_mem },
		{ title: "Resident", kind: "size", value: (row) => row.resident },
		{ title: "In use", kind: "size", value: (row) => row.in_use.bytes },
		{ title: "Blocks", kind: "count", value: (row) => row.in_use.blocks },
		{ title: "Free", kind: "size", value: (row) => row.free.bytes },
		{ title: "Free share", kind: "number", value: (row) => row.system_mem ? row.free.bytes / row.system_mem : null, node: (row) => shareBar(row.free.bytes, row.system_mem) },
		{ title: "Longest free", kind: "size", value: (row) => row.largest_free },
		{ title: "malloc_trim() returns", kind: "size", value: (row) => row.trim },
		{ title: "Heaps", kind: "count", value: (row) => row.heaps },
		{ title: "Threads now", kind: "count", value: (row) => row.threads.length },
		{ title: "Sound", kind: "text", value: (row) => row.consistent ? "yes" : "no" },
	];
	const { map } = page;

	return section("heap", "The heap as it lies in memory", map ? new HeapMap(map, report.arenas).element : null,
		map && map.left_out.regions ? note(things(map.left_out.regions, "heaps") + " more, ", size(map.left_out.bytes), ", are not drawn: the largest are.") : null,
		map && map.left_out_here.regions ? leftOutNote(map, "regions", "heaps") : null,
		map && map.mmapped.blocks ? note(things(map.mmapped.blocks, "blocks") + " with mappings of their own, ", size(map.mmapped.bytes), ", are not drawn.") : null,
		table("Arenas", columns, report.arenas), leftOutNote(report, "arenas", "arenas"), map ? command(commands.arenas) : null);
}

function pinsSection(report, commands) {
	if (!report || !report.totals || !report.kept.length)
		return null;
	const kept = [
		{ title: "Why it is kept", kind: "text", value: (row) => row.text },
		{ title: "Bytes", kind: "size", value: (row) => row.bytes },
		{ title: "Tunable", kind: "text", value: (row) => row.tunable },
	];
	const holders = [
		{ title: "What pins", kind: "code", value: (row) => row.holder },
		{ title: "Held by", kind: "code", value: (row) => row.path },
		{ title: "Blocks", kind: "count", value: (row) => row.count },
		{ title: "Their bytes", kind: "size", value: (row) => row.bytes },
		{ title: "They pin", kind: "size", value: (row) => row.pinned },
		{ title: "Alone", kind: "size", value: (row) => row.alone },
		{ title: "Example", kind: "code", value: (row) => row.example },
	];

	return section("pins", "Free memory, and why malloc keeps it", make("p", {}, report.advice), table("Why it is kept", kept, report.kept),
		table("What pins it", holders, report.holders), leftOutNote(report, "holders", "holders"), command(commands.pins));
}

function mappingsSection(report, commands) {
	if (!report || !report.mappings.length)
		return null;
	const columns = [
		{ title: "Start", kind: "code", value: (row) => row.start },
		{ title: "Size", kind: "size", value: (row) => row.size },
		{ title: "Resident", kind: "size", value: (row) => row.resident },
		{ title: "Swapped", kind: "size", value: (row) => row.swapped || null },
		{ title: "Kind", kind: "text", value: (row) => row.kind },
		{ title: "Rights", kind: "text", value: (row) => row.protection },
		{ title: "Of", kind: "code", value: (row) => row.path || (row.owner ? row.owner.module || "thread " + row.owner.thread : null) },
		{ title: "What it looks like", kind: "text", value: (row) => row.note },
		{ title: "Bytes from", kind: "text", value: (row) => row.source },
	];

	return section("mappings", "The address space", table("Mappings", columns, report.mappings), leftOutNote(report, "mappings", "mappings"), command(commands.mappings));
}

function filesSection(report) {
	const columns = [
		{ title: "File", kind: "code", value: (row) => row.path },
		{ title: "Build-id", kind: "text", value: (row) => row.state },
		{ title: "Read here", kind: "code", value: (row) => row.file },
		{ title: "Debug info", kind: "code", value: (row) => row.debug_file },
	];
	const { files } = report;

	return section("files", "Files", make("p", {}, "The process had " + things(files.total, "files") + " mapped; " + countText(files.agree) + " are here with the build-id of the core."),
		table("Files", columns, files.list), leftOutNote(report, "files.list", "files"));
}

function processLine(process, allocator) {
	const facts = [process.machine, allocator.name && allocator.version ? allocator.name + " " + allocator.version : allocator.name, process.signal ? "ended by " + process.signal : null,
		process.executable];

	return facts.filter((fact) => fact).join(", ");
}

// Reports that a page has room for, and has not.
function absentNote(page) {
	const absent = ["owners", "leaks", "containers", "types", "pins", "mappings"].filter((name) => !page[name]);

	return absent.length ? note("Not here: " + absent.join(", ") + ". They were not asked for (--no-types leaves out what needs types), or could not be made.") : null;
}

function analysisPage(page) {
	const report = page.analyze, { commands } = page;

	return [
		make("header", {}, make("h1", {}, page.title), make("p", {}, processLine(report.process, report.allocator)),
			make("p", { class: "dim" }, code(report.process.core), " ", size(report.process.core_size))),
		section("verdict", "What to look at", report.status === "partial" ? note("The core was read in part: what is not known stands at the end.") : null, findingsList(report),
			leftOutNote(report, "findings", "findings")),
		memorySection(report), ownersSection(page.owners, page.leaks, commands), leaksSection(page.leaks, commands), heapSection(page, report, commands), pinsSection(page.pins, commands),
		containersSection(page.containers, commands), typesSection(page.types, commands), mappingsSection(page.mappings, commands), filesSection(report),
		section("unread", "What is not known", diagnosticsList(report.diagnostics), absentNote(page), leftOutNote(report, "diagnostics", "of these")),
	];
}
