/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* containers/expression.c: the text of an expression as a tree. Each line of the input is one. */
#include "fuzz.h"

#include "containers/expression.h"

/* The tree is no deeper than it may be; so this may call itself. */
static void see_tree(const hc_expression *expression, unsigned depth)
{
	fuzz_expect(depth <= 4 * HC_EXPRESSION_DEPTH, "a tree that is too deep");
	for (; expression; expression = expression->next) {
		fuzz_see_text(expression->text);
		see_tree(expression->child, depth + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_input input = { data, size };

	while (input.left) {
		fuzz_input line = fuzz_part_before(&input, '\n');
		g_autofree char *text = fuzz_text(&line), *message = NULL;
		g_autoptr(GPtrArray) memory = g_ptr_array_new_with_free_func(g_free);
		unsigned column = 0;
		const hc_expression *tree = hc_expression_parse(text, memory, &message, &column);

		fuzz_expect(tree ? !message : message && column, "no tree, and no message");
		see_tree(tree, 0);
	}
	return 0;
}
