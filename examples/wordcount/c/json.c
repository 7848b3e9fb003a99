// Reading JSON. Nothing here checks what the host has checked, and nothing reads beyond the end.

#include "json.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct cursor {
    const char *at, *end;
};

static char peek(const struct cursor *c) { return c->at < c->end ? *c->at : '\0'; }

static char next(struct cursor *c) { return c->at < c->end ? *c->at++ : '\0'; }

static void skip_space(struct cursor *c) {
    while (peek(c) == ' ' || peek(c) == '\t' || peek(c) == '\n' || peek(c) == '\r') c->at++;
}

static unsigned read_hex(struct cursor *c) {
    unsigned value = 0;
    for (int digits = 0; digits < 4; digits++) {
        char digit = next(c);
        value = value * 16 + (unsigned)(digit <= '9' ? digit - '0' : (digit | 32) - 'a' + 10);
    }
    return value & 0xFFFF;
}

// What follows `\u`: one code unit of UTF-16, or two that are one character.
static unsigned read_code_point(struct cursor *c) {
    unsigned high = read_hex(c);
    if (high < 0xD800 || high > 0xDFFF) return high;
    bool is_pair = high < 0xDC00 && c->end - c->at >= 6 && c->at[0] == '\\' && c->at[1] == 'u';
    if (!is_pair) return 0xFFFD;
    c->at += 2;
    return 0x10000 + ((high & 0x3FF) << 10) + (read_hex(c) & 0x3FF);
}

static char *write_utf8(char *out, unsigned code) {
    if (code < 0x80) {
        *out++ = (char)code;
        return out;
    }
    if (code < 0x800) {
        *out++ = (char)(0xC0 | code >> 6);
    } else {
        if (code < 0x10000) {
            *out++ = (char)(0xE0 | code >> 12);
        } else {
            *out++ = (char)(0xF0 | code >> 18);
            *out++ = (char)(0x80 | (code >> 12 & 0x3F));
        }
        *out++ = (char)(0x80 | (code >> 6 & 0x3F));
    }
    *out++ = (char)(0x80 | (code & 0x3F));
    return out;
}

static char unescaped(char escape) {
    switch (escape) {
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return escape;
    }
}

// Reads a string from its first quote to its last into `out`, and says how many bytes it has. They
// are never more than those that stand in the JSON.
static size_t read_string(struct cursor *c, char *out) {
    const char *start = out;
    next(c);
    while (c->at < c->end && peek(c) != '"') {
        char byte = next(c);
        if (byte != '\\') {
            *out++ = byte;
        } else if (peek(c) == 'u') {
            next(c);
            out = write_utf8(out, read_code_point(c));
        } else {
            *out++ = unescaped(next(c));
        }
    }
    next(c);
    return (size_t)(out - start);
}

static void skip_value(struct cursor *c, char *scratch) {
    size_t depth = 0;
    do {
        char byte = peek(c);
        if (byte == '"') {
            read_string(c, scratch);
            continue;
        }
        // A number or a name ends where something else begins.
        if (depth == 0 && (byte == ',' || byte == '}')) return;
        depth += byte == '{' || byte == '[';
        depth -= byte == '}' || byte == ']';
        next(c);
    } while (c->at < c->end && (depth > 0 || (peek(c) != ',' && peek(c) != '}')));
}

enum json_member json_string_member(const char *json, size_t json_bytes, const char *name,
                                    char **text, size_t *text_bytes) {
    struct cursor c = {json, json + json_bytes};
    char *buffer = malloc(json_bytes + 1);
    if (buffer == NULL) abort();
    skip_space(&c);
    if (next(&c) != '{') return JSON_MISSING;
    for (;;) {
        skip_space(&c);
        if (peek(&c) != '"') return JSON_MISSING;
        size_t bytes = read_string(&c, buffer);
        bool is_it = bytes == strlen(name) && memcmp(buffer, name, bytes) == 0;
        skip_space(&c);
        next(&c);  // :
        skip_space(&c);
        if (is_it && peek(&c) != '"') return JSON_OTHER;
        if (is_it) {
            *text_bytes = read_string(&c, buffer);
            *text = buffer;
            return JSON_STRING;
        }
        skip_value(&c, buffer);
        skip_space(&c);
        next(&c);  // ,
    }
}
