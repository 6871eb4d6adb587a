/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers as one types them, conditions of --fail-on, and which exit status wins. */
#include "cli/cli.h"
#include "fake_analysis.h"
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
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

static cli_status check(const char *text, const hc_analysis *a, const hc_analysis *b)
{
	char *texts[] = { (char *)text, NULL };
	int saved = silence();
	g_autoptr(cli_conditions) conditions = cli_conditions_parse(&command, texts);
	cli_status status = CLI_USAGE;

	if (conditions)
		status = b ? cli_conditions_check_growth(conditions, a, b) : cli_conditions_check(conditions, a);
	restore(saved);
	return status;
}

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
		{ "leaked-bytes>139", CLI_CONDITION_MET },
		{ "leaked-bytes>140", CLI_DONE },
		{ "directly-lost-bytes==40", CLI_CONDITION_MET },
		{ "indirectly-lost==1", CLI_CONDITION_MET },
		{ "in-use-bytes==1048724", CLI_CONDITION_MET },
		{ "files-bytes==4K", CLI_CONDITION_MET },
		{ "free-bytes==7104", CLI_CONDITION_MET },
		{ "trim-bytes==4KiB", CLI_CONDITION_MET },
		{ "mapped-bytes>1M", CLI_CONDITION_MET },
		{ "unknown-bytes>0", CLI_USAGE },
		{ "unknown>0", CLI_USAGE },
		{ "leaked", CLI_USAGE },
		{ "leaked>", CLI_USAGE },
		{ ">0", CLI_USAGE },
		{ "leaked=0", CLI_USAGE },
		{ "leaked>many", CLI_USAGE },
	};
	hc_analysis *fake = fake_create();

	for (unsigned i = 0; i < G_N_ELEMENTS(examples); i++) {
		cli_status status = check(examples[i].text, fake, NULL);

		if (status != examples[i].status)
			printf("\n%s: %u\n", examples[i].text, status);
		CU_ASSERT_EQUAL(status, examples[i].status);
	}
	fake_destroy(fake);
}

static void test_growth(void)
{
	hc_analysis *a = fake_create(), *b = fake_create();

	b->references.totals.directly_lost.blocks += 5;
	b->memory.rows[3].bytes -= 4096;
	CU_ASSERT_EQUAL(check("leaked>4", a, b), CLI_CONDITION_MET);
	CU_ASSERT_EQUAL(check("leaked>5", a, b), CLI_DONE);
	CU_ASSERT_EQUAL(check("files-bytes<0", a, b), CLI_CONDITION_MET);
	CU_ASSERT_EQUAL(check("files-bytes>0", a, b), CLI_DONE);
	fake_destroy(a);
	fake_destroy(b);
}

int main(void)
{
	static const unit_case cases[] = {
		{ "sizes", test_sizes },
		{ "addresses", test_addresses },
		{ "exit statuses", test_statuses },
		{ "conditions", test_conditions },
		{ "conditions on growth", test_growth },
	};

	return unit_main("cli", cases, G_N_ELEMENTS(cases));
}
