/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dwarf/: what the modules have uncompressed of a file is not uncompressed again, and says the same. */
#include "report_process.h"
#include "unit.h"

#include "dwarf/dwarf.h"

/* The debug info of the executable, by an object of its own. */
static Dwarf *open_again(const report_process *process, hc_debug_info **ret_info)
{
	hc_modules *modules = hc_analysis_modules(process->analysis);
	Dwarf_Addr bias;

	*ret_info = hc_debug_info_create(modules);
	return hc_module_dwarf(*ret_info, hc_modules_executable(modules), &bias);
}

static void test_once(void)
{
	g_auto(report_process) process = report_process_create(NULL);
	hc_debug_info *before, *after;

	if (!report_process_run(&process))
		return;
	hc_modules *modules = hc_analysis_modules(process.analysis);
	const hc_module *program = hc_modules_executable(modules);
	const Dwarf *own = open_again(&process, &before);

	CU_ASSERT_PTR_NULL(hc_module_opened_dwarf(program));
	CU_ASSERT_PTR_NOT_NULL(own);
	hc_module_struct(modules, program, "none", "session");
	CU_ASSERT_PTR_NOT_NULL(hc_module_opened_dwarf(program));
	CU_ASSERT_PTR_EQUAL(open_again(&process, &after), hc_module_opened_dwarf(program));
	CU_ASSERT_PTR_NOT_EQUAL(own, hc_module_opened_dwarf(program));

	const struct module_debug *one = hc_module_debug(before, program), *other = hc_module_debug(after, program);

	CU_ASSERT_EQUAL(one->units->len, other->units->len);
	CU_ASSERT_TRUE(one->units->len > 0);
	for (unsigned i = 0; i < SECTION_COUNT; i++) {
		CU_ASSERT_EQUAL(one->sections[i].size, other->sections[i].size);
		CU_ASSERT_TRUE(!one->sections[i].size ||
			       !memcmp(one->sections[i].bytes, other->sections[i].bytes, one->sections[i].size));
	}
	hc_debug_info_destroy(after);
	hc_debug_info_destroy(before);
	/* It is the modules', and still there. */
	CU_ASSERT_PTR_NOT_NULL(dwarf_getelf(hc_module_opened_dwarf(program)));
}

int main(void)
{
	static const unit_case cases[] = {
		{ "opened once", test_once },
	};

	return unit_main("opened_dwarf", cases, G_N_ELEMENTS(cases));
}
