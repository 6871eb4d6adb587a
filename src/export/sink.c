/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "export/export_parts.h"

#include <string.h>

static void flush(hc_export *export)
{
	const hc_export_options *options = export->options;

	if (export->used && !export->error) {
		if (export->file)
			hc_output_file_append(export->file, export->buffer, export->used, &export->error);
		else if (!options->write(export->buffer, export->used, options->write_data))
			g_set_error_literal(&export->error, HC_ERROR, HC_ERROR_IO, "the export could not be written");
	}
	export->used = 0;
}

void hc_export_bytes(hc_export *export, const char *bytes, size_t length)
{
	while (length) {
		size_t part = MIN(length, HC_EXPORT_BUFFER - export->used);

		memcpy(export->buffer + export->used, bytes, part);
		export->used += part;
		bytes += part;
		length -= part;
		if (export->used == HC_EXPORT_BUFFER)
			flush(export);
	}
}

void hc_export_text(hc_export *export, const char *text)
{
	hc_export_bytes(export, text, strlen(text));
}

void hc_export_printf(hc_export *export, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	g_autofree char *text = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	hc_export_text(export, text);
}

bool hc_export_flush(hc_export *export, GError **error)
{
	flush(export);
	if (!export->error)
		return true;
	g_propagate_error(error, g_steal_pointer(&export->error));
	return false;
}
