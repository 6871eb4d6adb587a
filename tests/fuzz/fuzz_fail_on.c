/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cli/fail_on.c and number.c: conditions of --fail-on, each on a line, of an analysis and of a diff. */
#include "process.h"
#include "../unit/snapshot_builder.h"

#include "cli/cli.h"

#include <stdio.h>

static hc_diff *make_diff(void)
{
	static const hc_snapshot *snapshots[2];

	for (unsigned i = 0; i < 2; i++) {
		hc_snapshot *snapshot = snapshot_create();

		snapshot_add_container(snapshot, HC_SNAPSHOT_NONE, "g_map", "libstdc++ map", 10 + i, 10 + i, 1000 + i);
		snapshot_add_lost(snapshot, "size 40", NULL, 1 + i, 40 + 40 * i);
		snapshots[i] = snapshot_finish(snapshot);
	}
	return hc_diff_create(snapshots, G_N_ELEMENTS(snapshots));
}

/* What is wrong with a condition is said there. */
static void silence(void)
{
	static bool is_silent;

	if (!is_silent) {
		stderr = fopen("/dev/null", "w");
		g_assert(stderr);
		is_silent = true;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const cli_command command = { .name = "test", .arguments = "CORE", .summary = "a test" };
	static hc_diff *diff;
	g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
	fuzz_input input = { data, size };
	uint64_t number;
	int64_t pid;

	silence();
	if (!diff)
		diff = make_diff();
	while (input.left) {
		fuzz_input line = fuzz_part_before(&input, '\n');
		char *text = fuzz_text(&line);

		g_ptr_array_add(texts, text);
		cli_parse_size(text, &number);
		cli_parse_pid(text, &pid);
		cli_parse_address(text, &number);
	}
	g_ptr_array_add(texts, NULL);
	g_autoptr(cli_conditions) conditions = cli_conditions_parse(&command, "--fail-on", (char **)texts->pdata);

	if (conditions) {
		cli_conditions_check(conditions, fuzz_analysis());
		cli_conditions_check_growth(conditions, diff);
	}
	return 0;
}
