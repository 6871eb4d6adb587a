/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Snapshots of all that a command was given: those of files are read, those of cores taken, two at the same time where that is sooner.
 */
#include "cli.h"

/* What the threads that take them share. */
struct taking {
	const cli_options *options;
	const char *binary;
	unsigned lanes;		       /* threads that each take one at a time */
	GPtrArray *inputs, *snapshots; /* of a snapshot that is not there yet: NULL */
	GError **errors;	       /* of each input */
	int next, failed;	       /* atomic: an index; whether any did */
};

static hc_snapshot *take_snapshot(const cli_options *options, const char *path, const char *binary, GError **error)
{
	g_autoptr(hc_analysis) analysis = cli_try_analyse(options, &path, &binary, HC_STAGE_TYPES, error);

	return analysis ? hc_snapshot_create(analysis, error) : NULL;
}

/* The share of LANE: its part of the threads and of the memory, and the first one's progress stands for all. */
static cli_options options_of_lane(const struct taking *taking, unsigned lane)
{
	cli_options options = *taking->options;
	unsigned threads = options.jobs > 0 ? (unsigned)options.jobs : g_get_num_processors();

	if (taking->lanes == 1)
		return options;
	options.jobs = (int)MAX(threads / taking->lanes + (lane < threads % taking->lanes), 1);
	options.quiet = options.quiet || lane;
	options.at_once = taking->lanes;
	return options;
}

static void take_in_lane(struct taking *taking, unsigned lane)
{
	const cli_options options = options_of_lane(taking, lane);
	unsigned i;

	while ((i = (unsigned)g_atomic_int_add(&taking->next, 1)) < taking->inputs->len) {
		if (taking->snapshots->pdata[i] || g_atomic_int_get(&taking->failed))
			continue;
		cli_options of_this = options;

		/* Of several the last one tells which calls allocate. */
		of_this.no_sites |= i + 1 < taking->inputs->len;
		taking->snapshots->pdata[i] =
			take_snapshot(&of_this, taking->inputs->pdata[i], taking->binary, &taking->errors[i]);
		if (!taking->snapshots->pdata[i])
			g_atomic_int_set(&taking->failed, 1);
	}
}

static void take_second(void *data)
{
	take_in_lane(data, 1);
}

static void *take_in_second_lane(void *data)
{
	cli_with_stack_for_handlers(take_second, data);
	return NULL;
}

/* How many of the inputs that are cores are to be taken at the same time. */
static unsigned choose_lanes(const struct taking *taking)
{
	const hc_analysis_options options = { .jobs = taking->options->jobs, .memory = taking->options->memory };
	g_autoptr(GPtrArray) cores = g_ptr_array_new();

	for (unsigned i = 0; i < taking->inputs->len; i++)
		if (!taking->snapshots->pdata[i])
			g_ptr_array_add(cores, (char *)cli_live_path(taking->options, taking->inputs->pdata[i]));
	return hc_analyses_at_once((const char *const *)cores->pdata, cores->len, &options);
}

/* FALSE: the first that could not be taken was said. */
static bool take_all(struct taking *taking)
{
	bool failed = false;

	taking->lanes = choose_lanes(taking);
	GThread *second = taking->lanes > 1 ? g_thread_try_new("snapshot", take_in_second_lane, taking, NULL) : NULL;

	take_in_lane(taking, 0);
	if (second)
		g_thread_join(second);
	for (unsigned i = 0; i < taking->inputs->len; i++) {
		if (taking->errors[i] && !failed)
			cli_complain("%s", taking->errors[i]->message);
		failed |= taking->errors[i] != NULL;
		g_clear_error(&taking->errors[i]);
	}
	return !failed;
}

/* Those of INPUTS that are snapshots, NULL for the others. NULL: one could not be read, which was said. */
static GPtrArray *read_snapshots(GPtrArray *inputs)
{
	g_autoptr(GPtrArray) snapshots = g_ptr_array_new_with_free_func((GDestroyNotify)hc_snapshot_destroy);

	for (unsigned i = 0; i < inputs->len; i++) {
		g_autoptr(GError) error = NULL;
		const char *path = inputs->pdata[i];
		hc_snapshot *snapshot = hc_snapshot_is_one(path) ? hc_snapshot_read(path, &error) : NULL;

		if (error) {
			cli_complain("%s", error->message);
			return NULL;
		}
		g_ptr_array_add(snapshots, snapshot);
	}
	return g_steal_pointer(&snapshots);
}

/*
 * Lost blocks are sorted into kinds by how their text begins, if content may be looked at: where one snapshot has none, cores are taken
 * without it too, so that kinds can be compared.
 */
GPtrArray *cli_take_snapshots(const cli_options *options, GPtrArray *inputs, const char *binary)
{
	/* The process first, as long as there is one thread; it may end, too. */
	g_autoptr(GPtrArray) snapshots = cli_live_take(options) ? read_snapshots(inputs) : NULL;
	g_autofree GError **errors = g_new0(GError *, (size_t)inputs->len + 1);
	cli_options taken = *options;

	for (unsigned i = 0; snapshots && i < snapshots->len; i++) {
		hc_snapshot *snapshot = snapshots->pdata[i];

		if (snapshot && taken.no_content)
			hc_snapshot_forget_content(snapshot);
		taken.no_content |= snapshot && !snapshot->has_content;
	}
	struct taking taking = {
		.options = &taken,
		.binary = binary,
		.inputs = inputs,
		.snapshots = snapshots,
		.errors = errors,
	};

	return snapshots && take_all(&taking) ? g_steal_pointer(&snapshots) : NULL;
}
