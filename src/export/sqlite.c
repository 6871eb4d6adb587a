/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * All tables as a database of SQLite. A table is made of its columns' description; rows are inserted in one transaction, as the file is new and
 * nobody reads it before it is whole; indices are made once all rows are there, which is a sort in place of a search for each.
 *
 * Addresses are numbers, so that they can be compared; the views show them as people write them. Those above 2^63 - 1, as the kernel's of
 * vsyscall or what a damaged core tells, are negative.
 */
#include "export/export_parts.h"

#include "base/text.h"
#include "export/sqlite_file.h"

enum {
	SCHEMA = 1 /* rises when a column goes or changes its meaning */
};

struct database {
	sqlite3 *handle;
	GError **error;
	bool failed;
};

/* Rows of one table. */
struct insertion {
	hc_row_writer writer;
	struct database *database;
	sqlite3_stmt *statement;
};

/* What is made once all tables are filled. */
static const char finish[] =
	"CREATE INDEX blocks_by_owner ON blocks(owner_id);"
	"CREATE INDEX blocks_by_type ON blocks(type_id);"
	"CREATE INDEX pointers_by_target ON pointers(to_block);"
	"CREATE INDEX pointers_by_block ON pointers(from_block);"
	"CREATE INDEX owners_by_parent ON owners(parent_id);"
	"CREATE VIEW block_details AS SELECT printf('0x%x', b.address) AS hexadecimal, b.*, t.name AS type, t.certainty,"
	" o.kind AS owner_kind, o.path AS owner FROM blocks b LEFT JOIN types t ON t.id = b.type_id"
	" LEFT JOIN owners o ON o.id = b.owner_id;"
	"CREATE VIEW lost_blocks AS SELECT * FROM block_details WHERE reach IN ('directly lost', 'indirectly lost');"
	"CREATE VIEW pointer_details AS SELECT printf('0x%x', p.from_address) AS hexadecimal, p.*,"
	" f.owner AS from_owner, f.type AS from_type, r.kind AS root_kind, r.module AS root_module,"
	" t.owner AS to_owner, t.type AS to_type FROM pointers p LEFT JOIN block_details f ON f.address = p.from_block"
	" LEFT JOIN roots r ON r.id = p.from_root JOIN block_details t ON t.address = p.to_block;"
	"CREATE VIEW top_owners AS SELECT * FROM owners WHERE parent_id IS NULL ORDER BY bytes DESC;"
	"CREATE VIEW memory_rows AS SELECT * FROM memory WHERE part_of IS NULL;";

static bool check(struct database *database, int result)
{
	if (result == SQLITE_OK || result == SQLITE_DONE)
		return true;
	if (!database->failed)
		g_set_error(database->error, HC_ERROR, result == SQLITE_NOMEM ? HC_ERROR_NO_MEMORY : HC_ERROR_IO,
			"the database could not be written: %s", sqlite3_errmsg(database->handle));
	database->failed = true;
	return false;
}

static bool execute(struct database *database, const char *statements)
{
	return check(database, sqlite3_exec(database->handle, statements, NULL, NULL, NULL));
}

/* ---- a table ---- */

static const char *declared(const hc_export_column *column)
{
	switch (column->kind) {
	case HC_COLUMN_TEXT:
		return "TEXT";
	case HC_COLUMN_KEY:
	case HC_COLUMN_KEY_ADDRESS:
		return "INTEGER PRIMARY KEY";
	default:
		return "INTEGER";
	}
}

static bool create_table(struct database *database, const hc_export_table *table)
{
	g_autoptr(GString) sql = g_string_new(NULL);

	g_string_append_printf(sql, "CREATE TABLE %s(", table->name);
	for (const hc_export_column *column = table->columns; column->name; column++) {
		if (column->is_repeated)
			continue;
		g_string_append_printf(
			sql, "%s%s %s", column == table->columns ? "" : ", ", column->name, declared(column));
		if (column->of)
			g_string_append_printf(sql, " REFERENCES %s", column->of);
	}
	g_string_append(sql, ")");
	return execute(database, sql->str);
}

static sqlite3_stmt *prepare(struct database *database, const hc_export_table *table)
{
	g_autoptr(GString) sql = g_string_new(NULL);
	sqlite3_stmt *statement = NULL;

	g_string_append_printf(sql, "INSERT INTO %s VALUES(", table->name);
	for (const hc_export_column *column = table->columns; column->name; column++)
		if (!column->is_repeated)
			g_string_append(sql, column == table->columns ? "?" : ",?");
	g_string_append(sql, ")");
	check(database, sqlite3_prepare_v2(database->handle, sql->str, -1, &statement, NULL));
	return statement;
}

static int bind(sqlite3_stmt *statement, int place, hc_column_kind kind, const hc_cell *cell)
{
	char *copy = NULL;
	const char *text;

	if (!cell->is_there)
		return sqlite3_bind_null(statement, place);
	if (kind == HC_COLUMN_ADDRESS || kind == HC_COLUMN_KEY_ADDRESS)
		return sqlite3_bind_int64(statement, place, (int64_t)cell->number);
	if (kind != HC_COLUMN_TEXT)
		return sqlite3_bind_int64(statement, place, (int64_t)hc_cell_limited(cell->number));
	text = hc_text_valid(cell->text, &copy); /* what is not copied stays as it is until the row is written */
	return sqlite3_bind_text(statement, place, text, -1, copy ? g_free : SQLITE_STATIC);
}

static void insert(hc_row_writer *writer, const hc_cell *cells)
{
	struct insertion *insertion = (struct insertion *)writer;
	struct database *database = insertion->database;
	const hc_export_column *columns = writer->table->columns;
	int place = 0;

	for (unsigned i = 0; columns[i].name && !database->failed; i++)
		if (!columns[i].is_repeated)
			check(database, bind(insertion->statement, ++place, columns[i].kind, &cells[i]));
	if (!database->failed)
		check(database, sqlite3_step(insertion->statement));
	sqlite3_reset(insertion->statement);
}

static bool fill_table(struct database *database, const hc_export_table *table, hc_table_source *source)
{
	struct insertion insertion = {
		.writer = { insert, table },
		.database = database,
		.statement = create_table(database, table) ? prepare(database, table) : NULL,
	};

	if (!database->failed && !table->each(source, &insertion.writer, database->error))
		database->failed = true;
	sqlite3_finalize(insertion.statement);
	return !database->failed;
}

/* ---- all of them ---- */

static void fill(struct database *database, hc_table_source *source)
{
	g_autofree char *schema = g_strdup_printf("PRAGMA user_version = %d", SCHEMA);

	if (!execute(database, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;"
			       "PRAGMA cache_size = -65536; BEGIN") ||
		!execute(database, schema))
		return;
	for (const hc_export_table *table = hc_export_tables; table->name; table++)
		if (!fill_table(database, table, source))
			return;
	if (execute(database, finish))
		execute(database, "COMMIT");
}

bool hc_sqlite_write(hc_export *export, hc_table_source *source, GError **error)
{
	struct database database = { .error = error };
	hc_sqlite_file file;
	int result;

	if (!hc_sqlite_file_register(&file, hc_output_file_descriptor(export->file))) {
		g_set_error_literal(error, HC_ERROR, HC_ERROR_IO, "SQLite could not be started");
		return false;
	}
	result = sqlite3_open_v2(file.name, &database.handle,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, file.name);
	if (check(&database, result))
		fill(&database, source);
	result = sqlite3_close(database.handle);
	if (!database.failed)
		check(&database, result);
	hc_sqlite_file_forget(&file);
	return !database.failed;
}

const char *hc_export_sqlite_version(void)
{
	return sqlite3_libversion();
}
