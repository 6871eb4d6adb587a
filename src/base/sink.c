/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/sink.h"

#include <stdarg.h>
#include <stdio.h>

void hc_sink_init(hc_sink *sink, hc_sink_write write, void *data)
{
	sink->write = write;
	sink->data = data;
	sink->failed = false;
	sink->used = 0;
}

bool hc_sink_flush(hc_sink *sink)
{
	if (sink->used && !sink->failed)
		sink->failed = !sink->write(sink->buffer, sink->used, sink->data);
	sink->used = 0;
	return !sink->failed;
}

void hc_sink_bytes_in_parts(hc_sink *sink, const char *bytes, size_t length)
{
	while (length) {
		size_t part = MIN(length, HC_SINK_BUFFER - sink->used);

		memcpy(sink->buffer + sink->used, bytes, part);
		sink->used += part;
		bytes += part;
		length -= part;
		if (sink->used == HC_SINK_BUFFER)
			hc_sink_flush(sink);
	}
}

void hc_sink_vprintf(hc_sink *sink, const char *format, va_list arguments)
{
	char *room = hc_sink_reserve(sink, HC_SINK_RESERVE);
	va_list again;
	int length;

	va_copy(again, arguments);
	length = vsnprintf(room, HC_SINK_RESERVE, format, arguments);
	if (length >= 0 && length < HC_SINK_RESERVE) {
		hc_sink_commit(sink, room + length);
	} else {
		g_autofree char *text = g_strdup_vprintf(format, again);

		hc_sink_text(sink, text);
	}
	va_end(again);
}

void hc_sink_printf(hc_sink *sink, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	hc_sink_vprintf(sink, format, arguments);
	va_end(arguments);
}
