/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers as one types them, options, conditions of --fail-on, and which exit status wins. */
#include "cli/cli.h"
#include "report_process.h"
#include "snapshot_builder.h"
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const cli_command command = { .name = "test", .arguments = "CORE", .summary = "a test" };

static void test_sizes(void)
{
	static const struct {
		const char *text;
		bool valid;
		uint64_t size;
	} examples[] = {
		{ "0", true, 0 },
		{ "4096", true, 4096 },
		{ "10K", true, 10240 },
		{ "10k", true, 10240 },
		{ "10KiB", true, 10240 },
		{ "3M", true, 3 << 20 },
		{ "2G", true, 2ull << 30 },
		{ "1T", true, 1ull << 40 },
		{ "18446744073709551615", true, UINT64_MAX },
		{ "18446744073709551616", false, 0 },
		{ "16777216T", false, 0 },
		{ "", false, 0 },
		{ "-5", false, 0 },
		{ " 5", false, 0 },
		{ "5X", false, 0 },
		{ "5KB", false, 0 },
		{ "many", false, 0 },
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(examples); i++) {
		uint64_t size = 0;

		CU_ASSERT_EQUAL(cli_parse_size(examples[i].text, &size), examples[i].valid);
		CU_ASSERT_EQUAL(size, examples[i].size);
	}
}

/* What options of each kind are read into. */
struct read_options {
	cli_options shared;
	gboolean flag;
	int integer, choice;
	gint64 long_integer;
	const char *word;
	char **words;
	uint64_t size, limit;
};

/* Whether TEXT, words with spaces between, is a command line. */
static bool read_line(const char *text, struct read_options *read)
{
	static const char *const choices[] = { "red", "green", "blue", NULL };
	const cli_option own[] = {
		{ CLI_FLAG, "flag", &read->flag, .help = "a flag" },
		{ CLI_INTEGER, "integer", &read->integer, .help = "a number", .argument = "N" },
		{ CLI_LONG_INTEGER, "long", &read->long_integer, .help = "a number", .argument = "N" },
		{ CLI_WORD, "word", &read->word, .letter = 'w', .help = "a word", .argument = "WORD" },
		{ CLI_WORDS, "words", &read->words, .help = "words", .argument = "WORD" },
		{ CLI_SIZE, "size", &read->size, .help = "a size", .argument = "SIZE" },
		{ CLI_LIMIT, "limit", &read->limit, .rows = { .text = 20, .json = 1000 }, .help = "rows",
			.argument = "N" },
		{ CLI_CHOICE, "choice", &read->choice, .choices = choices, .help = "a colour", .argument = "COLOUR" },
		{ 0 },
	};
	g_auto(GStrv) words = g_strsplit(text, " ", -1);
	cli_status status;
	bool is_right;

	*read = (struct read_options){ .integer = -7, .choice = -1, .size = 5 };
	is_right = cli_parse(&command, (int)g_strv_length(words), words, own, 1, 1, &read->shared, &status);
	CU_ASSERT_TRUE(is_right || status == CLI_USAGE);
	return is_right;
}

static void test_options(void)
{
	static const char *const wrong[] = { "test core --integer x", "test core --size 4q", "test core --limit -1",
		"test core --choice yellow", "test core --nothing", "test", "test core core" };
	struct read_options read;

	CU_ASSERT_TRUE(read_line("test core", &read));
	CU_ASSERT_TRUE(!read.flag && read.integer == -7 && !read.long_integer && !read.word && !read.words);
	CU_ASSERT_TRUE(read.size == 5 && read.limit == 20 && read.choice == -1);
	CU_ASSERT_TRUE(read.shared.argument_count == 1 && !strcmp(read.shared.arguments[0], "core"));
	cli_options_deinit(&read.shared);
	CU_ASSERT_TRUE(
		read_line("test --flag --integer 3 --long 5000000000 -w a --words b --words=c --size 4K core --json "
			  "--choice blue",
			&read));
	CU_ASSERT_TRUE(read.flag && read.integer == 3 && read.long_integer == 5000000000);
	CU_ASSERT_STRING_EQUAL(read.word, "a");
	CU_ASSERT_TRUE(g_strv_length(read.words) == 2 && !strcmp(read.words[1], "c"));
	CU_ASSERT_TRUE(read.size == 4096 && read.limit == 1000 && read.choice == 2);
	cli_options_deinit(&read.shared);
	CU_ASSERT_TRUE(read_line("test core --limit 0", &read) && read.limit == 0);
	cli_options_deinit(&read.shared);
	for (unsigned i = 0; i < G_N_ELEMENTS(wrong); i++) {
		CU_ASSERT_FALSE(read_line(wrong[i], &read));
		cli_options_deinit(&read.shared);
	}
}

static void test_addresses(void)
{
	hc_address address;

	CU_ASSERT_TRUE(cli_parse_address("0x7f00deadbeef", &address) && address == 0x7f00deadbeef);
	CU_ASSERT_TRUE(cli_parse_address("55D0", &address) && address == 0x55d0);
	CU_ASSERT_TRUE(cli_parse_address("ffffffffffffffff", &address) && address == UINT64_MAX);
	CU_ASSERT_FALSE(cli_parse_address("", &address));
	CU_ASSERT_FALSE(cli_parse_address("0x", &address));
	CU_ASSERT_FALSE(cli_parse_address("0x12345678123456789", &address));
	CU_ASSERT_FALSE(cli_parse_address("no address", &address));
}

static void test_statuses(void)
{
	CU_ASSERT_EQUAL(cli_worse(CLI_DONE, CLI_DONE), CLI_DONE);
	CU_ASSERT_EQUAL(cli_worse(CLI_DONE, CLI_PARTIAL), CLI_PARTIAL);
	CU_ASSERT_EQUAL(cli_worse(CLI_PARTIAL, CLI_CONDITION_MET), CLI_CONDITION_MET);
	CU_ASSERT_EQUAL(cli_worse(CLI_CONDITION_MET, CLI_FAILED), CLI_FAILED);
	CU_ASSERT_EQUAL(cli_worse(CLI_USAGE, CLI_FAILED), CLI_USAGE);
}

/* What is said on standard error is not what this test is about. */
static int silence(void)
{
	int saved = dup(STDERR_FILENO), nothing = open("/dev/null", O_WRONLY);

	fflush(stderr);
	dup2(nothing, STDERR_FILENO);
	close(nothing);
	return saved;
}

static void restore(int saved)
{
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
}

/* Of DIFF, or if that is NULL of ANALYSIS. */
static cli_status check(const char *text, const hc_analysis *analysis, const hc_diff *diff)
{
	char *texts[] = { (char *)text, NULL };
	int saved = silence();
	g_autoptr(cli_conditions) conditions = cli_conditions_parse(&command, "--fail-on", texts);
	cli_status status = CLI_USAGE;

	if (conditions)
		status = diff ? cli_conditions_check_growth(conditions, diff) :
				cli_conditions_check(conditions, analysis);
	restore(saved);
	return status;
}

/* The figures are those of report_process.h. */
static void test_conditions(void)
{
	static const struct {
		const char *text;
		cli_status status;
	} examples[] = {
		{ "leaked>0", CLI_CONDITION_MET },
		{ "leaked > 1", CLI_CONDITION_MET },
		{ "leaked>2", CLI_DONE },
		{ "leaked>=2", CLI_CONDITION_MET },
		{ "leaked==2", CLI_CONDITION_MET },
		{ "leaked!=2", CLI_DONE },
		{ "leaked<2", CLI_DONE },
		{ "leaked<=2", CLI_CONDITION_MET },
		{ "leaked-bytes>143", CLI_CONDITION_MET },
		{ "leaked-bytes>144", CLI_DONE },
		{ "directly-lost-bytes==40", CLI_CONDITION_MET },
		{ "indirectly-lost==1", CLI_CONDITION_MET },
		{ "in-use-bytes==1053560", CLI_CONDITION_MET },
		{ "files-bytes==8K", CLI_CONDITION_MET },
		{ "free-bytes==16512", CLI_CONDITION_MET },
		{ "trim-bytes==4KiB", CLI_CONDITION_MET },
		{ "mapped-bytes>1M", CLI_CONDITION_MET },
		{ "container:g_app->state.elements==7", CLI_CONDITION_MET },
		{ "container:g_app->state.bytes>55", CLI_CONDITION_MET },
		{ "container:g_app->state.bytes>56", CLI_DONE },
		{ "container:g_app->state.count!=1", CLI_DONE },
		{ "container:g_app.elements>0", CLI_USAGE },
		{ "container:g_app->state.size>0", CLI_USAGE },
		{ "unknown-bytes>0", CLI_USAGE },
		{ "unknown>0", CLI_USAGE },
		{ "leaked", CLI_USAGE },
		{ "leaked>", CLI_USAGE },
		{ ">0", CLI_USAGE },
		{ "leaked=0", CLI_USAGE },
		{ "leaked>many", CLI_USAGE },
	};
	g_auto(report_process) process = report_process_create(NULL);

	if (!report_process_run(&process))
		return;
	for (unsigned i = 0; i < G_N_ELEMENTS(examples); i++) {
		cli_status status = check(examples[i].text, process.analysis, NULL);

		if (status != examples[i].status)
			printf("\n%s: %u\n", examples[i].text, status);
		CU_ASSERT_EQUAL(status, examples[i].status);
	}
}

/* Conditions of a diff are about growth, which may be negative. Names of containers may hold operators' characters, and dots. */
static void test_growth(void)
{
	static const struct {
		const char *text;
		cli_status status;
	} examples[] = {
		{ "leaked>4", CLI_CONDITION_MET },
		{ "leaked>5", CLI_DONE },
		{ "lost-bytes==200", CLI_CONDITION_MET },
		{ "files-bytes<0", CLI_CONDITION_MET },
		{ "files-bytes<=0", CLI_CONDITION_MET },
		{ "files-bytes>=0", CLI_DONE },
		{ "files-bytes!=0", CLI_CONDITION_MET },
		{ "in-use-bytes>8K", CLI_CONDITION_MET },
		{ "container:g_app->state.queue.elements>94", CLI_CONDITION_MET },
		{ "container:g_app->state.queue.elements > 95", CLI_DONE },
		{ "container:g_app->state.queue.elements>=95", CLI_CONDITION_MET },
		{ "container:g_app->state.queue.elements<95", CLI_DONE },
		{ "container:g_app->state.queue.elements<=95", CLI_CONDITION_MET },
		{ "container:g_app->state.queue.elements==95", CLI_CONDITION_MET },
		{ "container:g_app->state.queue.elements!=95", CLI_DONE },
		{ "container:g_app->state.queue.bytes>8.9K", CLI_USAGE },
		{ "container:g_app->state.queue.bytes>8K", CLI_CONDITION_MET },
		{ "container:g_app->state.queue.count==0", CLI_CONDITION_MET },
		{ "container:g_app->state.queue.size>0", CLI_USAGE },
		{ "container:g_app->state.elements>0", CLI_USAGE },
		{ "container:g_app->state.queue.elements", CLI_USAGE },
		{ "container:>0", CLI_USAGE },
		{ "unknown-bytes>0", CLI_USAGE },
	};
	hc_snapshot *snapshots[] = { snapshot_create(), snapshot_create() };

	for (unsigned i = 0; i < 2; i++)
		snapshot_add_container(snapshots[i], HC_SNAPSHOT_NONE, "g_app->state.queue", "libstdc++ list",
			5 + i * 95, 1, 50 + i * 9000);
	snapshot_add_lost(snapshots[1], "size 40", NULL, 5, 200);
	snapshot_row(snapshots[1], HC_ROW_FILES)->bytes -= 4096;
	hc_diff *diff = hc_diff_create(
		(const hc_snapshot *const[]){ snapshot_finish(snapshots[0]), snapshot_finish(snapshots[1]) }, 2);

	for (unsigned i = 0; i < G_N_ELEMENTS(examples); i++) {
		cli_status status = check(examples[i].text, NULL, diff);

		if (status != examples[i].status)
			printf("\n%s: %u\n", examples[i].text, status);
		CU_ASSERT_EQUAL(status, examples[i].status);
	}
	hc_diff_destroy(diff);
	hc_snapshot_destroy(snapshots[0]);
	hc_snapshot_destroy(snapshots[1]);
}

int main(void)
{
	static const unit_case cases[] = {
		{ "sizes", test_sizes },
		{ "options", test_options },
		{ "addresses", test_addresses },
		{ "exit statuses", test_statuses },
		{ "conditions", test_conditions },
		{ "conditions on growth", test_growth },
	};

	return unit_main("cli", cases, G_N_ELEMENTS(cases));
}
