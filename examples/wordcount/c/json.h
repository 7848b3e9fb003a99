// As much of JSON (RFC 8259) as the service needs: the text of one member of an object.

#pragma once

#include <stddef.h>

enum json_member { JSON_STRING, JSON_OTHER, JSON_MISSING };

// Looks for the member `name` of the object `json`, which the host has found to be valid. Of a
// string, `text` is set to its `text_bytes` bytes of UTF-8, from `malloc`.
enum json_member json_string_member(const char *json, size_t json_bytes, const char *name,
                                    char **text, size_t *text_bytes);
