/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which hash tables have their elements in hardly any of their buckets?
 *
 * A hash that spreads N elements over as many buckets leaves no more than 37 % of them empty, and of fewer elements nearly each has a bucket of
 * its own. So only a table that uses less than a sixteenth of what it could is walked. Elements with equal keys share a bucket by intention: tables that
 * allow these are none of this.
 */
#include "findings/findings.h"

#include "values/values.h"

#include <string.h>

enum {
	LEAST_ELEMENTS = 1000,
	USED = 16,   /* one in so many of the buckets that could be used, at most */
	LONGEST = 4, /* one in so many of the elements, at least, are in one bucket */
};

static bool allows_equal_keys(const hc_container *container)
{
	const char *name = hc_type_template_name(container->container_type);

	return name && (strstr(name, "multi") || strstr(name, "Multi"));
}

static bool collides(const hc_types *types, const hc_container *container, hc_table_fill *fill)
{
	/* Of a shape, which has no type, it is not known how it hashes. */
	if (!container->container_type || container->most_elements < LEAST_ELEMENTS || allows_equal_keys(container) ||
		!hc_types_table_fill(types, container, true, fill) || !fill->is_chained)
		return false;
	if (fill->used >= MIN(fill->elements, fill->buckets) / USED)
		return false;
	return hc_types_table_fill(types, container, false, fill) && fill->is_shared_known &&
	       fill->longest >= fill->elements / LONGEST;
}

void hc_find_collisions(const hc_findings_input *input, hc_findings *findings)
{
	unsigned count = input->types ? hc_types_container_count(input->types) : 0;

	for (unsigned i = 0; i < count; i++) {
		const hc_container *container = hc_types_container(input->types, i);
		hc_finding finding = {
			.kind = HC_FINDING_COLLISIONS,
			.bytes = container->own.bytes,
			.blocks = container->own.blocks,
		};

		if (container->certainty == HC_CERTAINTY_GUESS ||
			!collides(input->types, container, &finding.collisions.fill))
			continue;
		finding.collisions.path = g_strdup(container->path);
		finding.collisions.type = g_strdup(container->type);
		finding.collisions.count = container->count;
		hc_findings_add(findings, &finding);
	}
}
