// SPDX-License-Identifier: GPL-3.0-or-later
// INI files, read with inih, its traps closed: lines of any length up to INI_LINE_MAX are read whole
// or refused (inih alone splits them silently), section names are never cut, every key and section
// comes with its line number, and the first error ends the reading. Comments start with `;` or `#` at
// the start of a line, or with `;` after a blank. There are no multi-line values.
#pragma once
#include <stddef.h>

enum {
	INI_LINE_MAX = 4096,
	INI_SECTION_MAX = 200,
	INI_FILE_MAX = 64 << 20, // bytes of one file
	INI_ERROR_MAX = 512,
};

// Where something was said, for error messages: FILE:LINE.
struct ini_where {
	const char *file;
	unsigned line; // from 1
};

// Called for each `key = value` in order of the file; strings are valid during the call only. A key
// without `=` or before the first section is refused before this is asked. Returns 0 to go on, or a
// negative errno, having written one sentence without FILE:LINE into `error`: reading ends there.
typedef int ini_fn(void *arg, const struct ini_where *where, const char *section, const char *key,
		   const char *value, char error[INI_ERROR_MAX]);

// Called for each section header, before its keys; so a section without keys, or one that comes twice in
// a row, can be told. Returns as ini_fn does.
typedef int ini_section_fn(void *arg, const struct ini_where *where, const char *section,
			   char error[INI_ERROR_MAX]);

// (The names ini_parse and ini_parse_file are inih's own.)

// Reads `text` (of `len` bytes; NUL bytes are refused); `file` is only for messages. Returns 0, or a
// negative errno with "FILE:LINE: what is wrong" in `error`.
int ini_text(const char *file, const char *text, size_t len, ini_fn *fn, void *arg,
	     char error[INI_ERROR_MAX]);

// As ini_text(), with `on_section` for the headers.
int ini_text_sections(const char *file, const char *text, size_t len, ini_section_fn *on_section,
		      ini_fn *fn, void *arg, char error[INI_ERROR_MAX]);

// The whole file into memory that the caller frees, with a NUL behind it. 0, or a negative errno with a
// sentence in `error`.
int ini_load(const char *path, char **ret_text, size_t *ret_len, char error[INI_ERROR_MAX]);

// ini_text() for a file. -ENOENT and the like carry the path in `error`.
int ini_file(const char *path, ini_fn *fn, void *arg, char error[INI_ERROR_MAX]);
