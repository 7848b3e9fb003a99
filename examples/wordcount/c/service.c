// Counts the words and characters of a text, for a hundredth of a credit per 1,000 characters.
//
// What the host passes and what is answered is never freed here: a call has an instance, and so a
// memory, of its own.

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "paid_service.h"

// The bindings have long names for what the contract, wit/service.wit, calls request, quote and
// failure.
typedef exports_stokehold_service_service_request_t request_t;
typedef exports_stokehold_service_service_quotation_t quote_t;
typedef exports_stokehold_service_service_failure_t failure_t;

// What every 1,000 characters cost that have begun, in millionths of a credit.
static const uint64_t PRICE_MICROCREDITS = 10000;
// What is paid for at a time.
static const uint64_t CHARACTERS = 1000;

struct counts {
    uint64_t words, characters;
};

// Of UTF-8: the bytes that do not go on with a character are the characters.
static struct counts counted(const char *text, size_t bytes) {
    struct counts counts = {0, 0};
    bool in_word = false;
    for (size_t i = 0; i < bytes; i++) {
        bool is_space = memchr(" \t\n\f\r", text[i], 5) != NULL;
        counts.words += !is_space && !in_word;
        counts.characters += (text[i] & 0xC0) != 0x80;
        in_word = !is_space;
    }
    return counts;
}

// The client can mend it, is told so, and pays nothing.
static bool user_error(failure_t *err, const char *message) {
    err->tag = STOKEHOLD_SERVICE_TYPES_FAILURE_USER_ERROR;
    paid_service_string_dup(&err->val.user_error, message);
    return false;
}

// Counts what the parameter of the route `count` has. Whether it went well.
static bool count(const request_t *request, struct counts *counts, failure_t *err) {
    const char *route = (const char *)request->route.ptr;
    if (request->route.len != strlen("count") || memcmp(route, "count", strlen("count")) != 0) {
        char message[200];
        snprintf(message, sizeof message, "There is no route `%.*s` in this service; it has: count",
                 (int)request->route.len, route);
        return user_error(err, message);
    }
    char *text;
    size_t bytes;
    switch (json_string_member((const char *)request->params.ptr, request->params.len, "text", &text,
                               &bytes)) {
    case JSON_MISSING: return user_error(err, "params: missing field `text`");
    case JSON_OTHER: return user_error(err, "params.text: it must be a string");
    case JSON_STRING: break;
    }
    *counts = counted(text, bytes);
    return true;
}

// What a call costs is known before it is paid for: the text is there.
bool exports_stokehold_service_service_quote(request_t *request, quote_t *ret, failure_t *err) {
    struct counts counts;
    if (!count(request, &counts, err)) return false;
    uint64_t thousands = (counts.characters + CHARACTERS - 1) / CHARACTERS;
    if (thousands == 0) thousands = 1;
    char description[80];
    snprintf(description, sizeof description, "Words counted, %" PRIu64 " × 1,000 characters",
             thousands);
    ret->credits = thousands * PRICE_MICROCREDITS;
    ret->description.is_some = true;
    paid_service_string_dup(&ret->description.val, description);
    return true;
}

// It runs once the credits are held, in an instance of its own.
bool exports_stokehold_service_service_handle(request_t *request, paid_service_string_t *ret,
                                              failure_t *err) {
    struct counts counts;
    if (!count(request, &counts, err)) return false;
    char answer[80];
    snprintf(answer, sizeof answer, "{\"words\":%" PRIu64 ",\"characters\":%" PRIu64 "}",
             counts.words, counts.characters);
    paid_service_string_dup(ret, answer);
    return true;
}
