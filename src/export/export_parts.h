/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of export/ share: where it goes to, rows of tables, samples. */
#pragma once

#include "export/export.h"

#include "base/output_file.h"
#include "base/sink.h"
#include "types/types.h"

struct hc_export {
	const hc_export_options *options;
	hc_output_file *file; /* NULL: options->write */
	bool is_begun;	      /* something was written */
	GError *error;	      /* of the first write that failed */
	hc_sink sink;
};

static inline void hc_export_bytes(hc_export *export, const char *bytes, size_t length)
{
	hc_sink_bytes(&export->sink, bytes, length);
}

static inline void hc_export_text(hc_export *export, const char *text)
{
	hc_sink_text(&export->sink, text);
}

static inline void hc_export_decimal(hc_export *export, uint64_t number)
{
	char *out = hc_sink_reserve(&export->sink, HC_SINK_NUMBER_LENGTH);

	hc_sink_commit(&export->sink, hc_put_decimal(out, number));
}

static inline void hc_export_hexadecimal(hc_export *export, uint64_t number)
{
	char *out = hc_sink_reserve(&export->sink, HC_SINK_NUMBER_LENGTH);

	hc_sink_commit(&export->sink, hc_put_hexadecimal(out, number));
}

/* ---- rows ---- */

typedef enum {
	HC_COLUMN_TEXT,
	HC_COLUMN_NUMBER,  /* from 0 to 2^64 - 1; what is above 2^63 - 1 is told as that, as in JSON */
	HC_COLUMN_ADDRESS, /* text "0x..."; in a database a number */
	HC_COLUMN_FLAG,
	HC_COLUMN_KEY, /* a number that is the row's in the database; nothing else begins a table */
	HC_COLUMN_KEY_ADDRESS,
} hc_column_kind;

typedef struct hc_export_column {
	const char *name; /* no word of SQL's */
	hc_column_kind kind;
	const char *of;	  /* the table whose key it is; NULL: it is none */
	bool is_repeated; /* for files only: what a database has in the table whose key stands in front */
} hc_export_column;

/* A value; what it is says the column. */
typedef struct hc_cell {
	bool is_there;
	const char *text; /* untrusted bytes */
	uint64_t number;
} hc_cell;

static inline hc_cell hc_cell_none(void)
{
	return (hc_cell){ 0 };
}

static inline hc_cell hc_cell_text(const char *text)
{
	return (hc_cell){ .is_there = text != NULL, .text = text };
}

static inline hc_cell hc_cell_number(uint64_t number)
{
	return (hc_cell){ .is_there = true, .number = number };
}

/* NUMBER where IS_KNOWN. */
static inline hc_cell hc_cell_if(bool is_known, uint64_t number)
{
	return (hc_cell){ .is_there = is_known, .number = number };
}

/* Numbers as JSON and databases have them, with a sign. */
static inline uint64_t hc_cell_limited(uint64_t number)
{
	return MIN(number, (uint64_t)INT64_MAX);
}

/* Who gets the rows of a table, one by one: a cell for each of its columns. */
typedef struct hc_row_writer hc_row_writer;
struct hc_row_writer {
	void (*write)(hc_row_writer *writer, const hc_cell *cells);
	const struct hc_export_table *table;
};

/* ---- table_source.c ---- */

/* What rows are made of. Beside the analysis all is made when it is first asked for. */
typedef struct hc_table_source {
	const hc_analysis *analysis;
	const hc_export_options *options;
	hc_ownership *ownership;
	hc_leaks *leaks;
	hc_row_lookup *lookup;
} hc_table_source;

void hc_table_source_clear(hc_table_source *source);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(hc_table_source, hc_table_source_clear)

/* NULL: HC_ERROR_NO_MEMORY and the like. */
const hc_ownership *hc_table_source_ownership(hc_table_source *source, GError **error);
const hc_leaks *hc_table_source_leaks(hc_table_source *source, GError **error);
const hc_row_lookup *hc_table_source_lookup(hc_table_source *source);

/* ---- tables.c, and where rows come from and go to ---- */

typedef struct hc_export_table {
	const char *name;
	const hc_export_column *columns; /* a NULL name ends them */
	bool (*each)(hc_table_source *source, hc_row_writer *writer, GError **error);
} hc_export_table;

extern const hc_export_table hc_export_tables[]; /* a NULL name ends them; what a key is of stands in front of it */
extern const hc_export_column hc_fleet_columns[];

const hc_export_table *hc_export_table_called(const char *name); /* NULL: there is none */

/* memory_tables.c, owner_tables.c, block_tables.c: columns, and rows. */
extern const hc_export_column hc_process_columns[], hc_memory_columns[], hc_mapping_columns[], hc_module_columns[],
	hc_root_columns[], hc_type_columns[], hc_owner_columns[], hc_container_columns[], hc_lost_columns[],
	hc_block_columns[], hc_pointer_columns[];
bool hc_process_each(hc_table_source *source, hc_row_writer *writer, GError **error);
bool hc_memory_each(hc_table_source *source, hc_row_writer *writer, GError **error);
bool hc_mapping_each(hc_table_source *source, hc_row_writer *writer, GError **error);
bool hc_module_each(hc_table_source *source, hc_row_writer *writer, GError **error);
bool hc_root_each(hc_table_source *source, hc_row_writer *writer, GError **error);
bool hc_type_each(hc_table_source *source, hc_row_writer *writer, GError **error);
bool hc_owner_each(hc_table_source *source, hc_row_writer *writer, GError **error);
bool hc_container_each(hc_table_source *source, hc_row_writer *writer, GError **error);
bool hc_lost_each(hc_table_source *source, hc_row_writer *writer, GError **error);
bool hc_block_each(hc_table_source *source, hc_row_writer *writer, GError **error);
bool hc_pointer_each(hc_table_source *source, hc_row_writer *writer, GError **error);

/* csv.c, ndjson.c: a writer of rows of TABLE. */
typedef struct hc_line_writer {
	hc_row_writer writer;
	hc_export *export;
} hc_line_writer;
hc_line_writer hc_csv_writer(hc_export *export, const hc_export_table *table);
hc_line_writer hc_ndjson_writer(hc_export *export, const hc_export_table *table);

/* ndjson.c: BYTES as JSON has them, in quotes. Free with g_free(). */
char *hc_export_json_text(const char *bytes);

/* sqlite.c, metrics.c, fleet.c, profile.c, folded.c, dot.c */
bool hc_sqlite_write(hc_export *export, hc_table_source *source, GError **error);
bool hc_profile_write(hc_export *export, hc_table_source *source, GError **error);
bool hc_folded_write(hc_export *export, hc_table_source *source, GError **error);
bool hc_dot_write(hc_export *export, hc_table_source *source, GError **error);
void hc_metrics_write(hc_export *export, const hc_snapshot *snapshot);
bool hc_fleet_write(hc_export *export, const hc_snapshot *snapshot, GError **error);

/* Whether metrics have a label with the key of LABEL, "KEY=VALUE", themselves. */
bool hc_metrics_has_label(const char *label);

/* ---- samples.c ---- */

/* What is in use, shared out: each block is in one sample. */
typedef struct hc_sample_figures {
	hc_amount amount;
	uint64_t resident; /* bytes of it in memory; 0 if that is not known */
	uint64_t retained; /* of the row that begins a path only, so that figures can be added up */
	uint64_t outside;  /* bytes besides, in memory that is not malloc's */
} hc_sample_figures;

typedef struct hc_owner_sample {
	uint32_t row;		   /* what the row has itself; HC_OWNER_NO_ROW: no path holds it */
	const char *const *others; /* then its frames, outermost first; NULL-terminated */
	hc_sample_figures figures;
} hc_owner_sample;

/* GArray of hc_owner_sample: rows in their order, those that have nothing themselves left out, then what no path holds. */
GArray *hc_owner_samples(const hc_analysis *analysis, const hc_ownership *ownership);
